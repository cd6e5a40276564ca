// The matrix product at the heart of the flash kernel, one register tile at a time.
//
// Queries lie along the vector lanes. So scores^T = K q^T and z^T = V^T pattern^T are the same
// product: scalars of K or V, broadcast, times vectors of queries. Nothing is transposed but q and
// z, and the softmax runs down the lanes without a horizontal step.

// Highway toggles HWY_TARGET_TOGGLE per target, which lets this file in once for each of them.
#if defined(HEADLIGHT_ATTENTION_FLASH_PRODUCT_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef HEADLIGHT_ATTENTION_FLASH_PRODUCT_INL_H
#undef HEADLIGHT_ATTENTION_FLASH_PRODUCT_INL_H
#else
#define HEADLIGHT_ATTENTION_FLASH_PRODUCT_INL_H
#endif

#include <cstddef>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace headlight {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

/// Vectors of queries in a full tile, and rows (keys, or elements of v) that a register tile
/// computes at once: 8 x 3 of 32 registers, or 4 x 3 of 16, leave room for the operands and keep
/// two FMA units of latency 4 busy.
constexpr size_t kTileVecs = 3;
#if HWY_TARGET <= HWY_AVX3
constexpr size_t kRows = 8;
#else
constexpr size_t kRows = 4;
#endif

/// A left operand packed so that the kRows values of one step lie together.
struct PanelOperand {
  const float* HWY_RESTRICT data;
  HWY_INLINE float operator()(size_t row, size_t i) const { return data[i * kRows + row]; }
};

/// A left operand as rows of memory. Its eight pointers crowd the registers: prefer panels.
struct RowsOperand {
  const float* HWY_RESTRICT data;
  size_t stride;
  HWY_INLINE float operator()(size_t row, size_t i) const { return data[row * stride + i]; }
};

/// acc[r][c] += sum over i < depth of a(r, i) * b[i][c]; b has kVecs vectors per step. Loads
/// kRows + kVecs operands for kRows * kVecs FMAs.
template <size_t kVecs, class Operand>
HWY_INLINE void Accumulate(D d, const Operand a, const float* HWY_RESTRICT b, size_t depth,
                           V (&acc)[kRows][kVecs]) {
  const size_t lanes = hn::Lanes(d);
  for (size_t i = 0; i < depth; ++i, b += kVecs * lanes) {
    V right[kVecs];
#pragma GCC unroll 8
    for (size_t c = 0; c < kVecs; ++c) right[c] = hn::Load(d, b + c * lanes);
#pragma GCC unroll 8
    for (size_t r = 0; r < kRows; ++r) {
      const V left = hn::Set(d, a(r, i));
#pragma GCC unroll 8
      for (size_t c = 0; c < kVecs; ++c) acc[r][c] = hn::MulAdd(left, right[c], acc[r][c]);
    }
  }
}

/// scores[j][.] = k_j . q for keys j in [0, count), rounded up to kRows; `largest` grows to the
/// largest of each query. `k` is panels of kRows keys: [panels, head_dim, kRows].
template <size_t kVecs>
void Scores(D d, const float* HWY_RESTRICT k, size_t count, const float* HWY_RESTRICT q_t,
            size_t head_dim, float* HWY_RESTRICT scores, float* HWY_RESTRICT largest) {
  const size_t lanes = hn::Lanes(d);
  for (size_t j = 0; j < count;
       j += kRows, k += kRows * head_dim, scores += kRows * kVecs * lanes) {
    V acc[kRows][kVecs];
#pragma GCC unroll 8
    for (size_t r = 0; r < kRows; ++r)
#pragma GCC unroll 8
      for (size_t c = 0; c < kVecs; ++c) acc[r][c] = hn::Zero(d);
    Accumulate<kVecs>(d, PanelOperand{k}, q_t, head_dim, acc);
#pragma GCC unroll 8
    for (size_t c = 0; c < kVecs; ++c) {
      V max = hn::Load(d, largest + c * lanes);
#pragma GCC unroll 8
      for (size_t r = 0; r < kRows; ++r) {
        hn::Store(acc[r][c], d, scores + (r * kVecs + c) * lanes);
        max = hn::Max(max, acc[r][c]);
      }
      hn::Store(max, d, largest + c * lanes);
    }
  }
}

/// z_t[e][.] = z_t[e][.] * shrink[.] + sum over j < count of v[j][e] * p[j][.], for each element e
/// of head_dim_v. `v` points at the first key inside panels of kRows elements, `panel_stride`
/// floats apart.
template <size_t kVecs>
void AddValues(D d, const float* HWY_RESTRICT v, size_t panel_stride, size_t count,
               const float* HWY_RESTRICT p, const float* HWY_RESTRICT shrink, size_t head_dim_v,
               float* HWY_RESTRICT z_t) {
  const size_t lanes = hn::Lanes(d);
  for (size_t e = 0; e < head_dim_v; e += kRows, v += panel_stride, z_t += kRows * kVecs * lanes) {
    V acc[kRows][kVecs];
#pragma GCC unroll 8
    for (size_t r = 0; r < kRows; ++r)
#pragma GCC unroll 8
      for (size_t c = 0; c < kVecs; ++c)
        acc[r][c] =
            hn::Mul(hn::Load(d, z_t + (r * kVecs + c) * lanes), hn::Load(d, shrink + c * lanes));
    Accumulate<kVecs>(d, PanelOperand{v}, p, count, acc);
#pragma GCC unroll 8
    for (size_t r = 0; r < kRows; ++r)
#pragma GCC unroll 8
      for (size_t c = 0; c < kVecs; ++c) hn::Store(acc[r][c], d, z_t + (r * kVecs + c) * lanes);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace headlight
HWY_AFTER_NAMESPACE();

#endif  // HEADLIGHT_ATTENTION_FLASH_PRODUCT_INL_H
