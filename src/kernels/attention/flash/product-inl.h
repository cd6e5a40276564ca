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

/// A left operand as rows of memory. Its eight pointers crowd the registers: prefer the others.
struct RowsOperand {
  const float* HWY_RESTRICT data;
  size_t stride;
  HWY_INLINE float operator()(size_t row, size_t i) const { return data[row * stride + i]; }
};

/// Elements of a row that lie together in packed keys: a cache line, so that packing only copies.
constexpr size_t kChunk = 16;

/// One chunk of kRows packed keys.
struct ChunkOperand {
  const float* HWY_RESTRICT data;
  HWY_INLINE float operator()(size_t row, size_t i) const { return data[row * kChunk + i]; }
};

/// Floats that one key takes when packed.
inline size_t PackedKey(size_t head_dim) {
  return (head_dim + kChunk - 1) / kChunk * kChunk;
}

/// acc[r][c] += sum over i < depth of a(r, i) * b[i][c], c < kVecs of the kWidth vectors in a row
/// of b. Loads kTileRows + kVecs operands for kTileRows * kVecs FMAs. Widths are constants:
/// run-time strides would take registers that the accumulators need.
template <size_t kVecs, size_t kWidth = kVecs, size_t kTileRows = kRows, class Operand>
HWY_INLINE void Accumulate(D d, const Operand a, const float* HWY_RESTRICT b, size_t depth,
                           V (&acc)[kTileRows][kVecs]) {
  const size_t lanes = hn::Lanes(d);
#pragma GCC unroll 4
  for (size_t i = 0; i < depth; ++i, b += kWidth * lanes) {
    V right[kVecs];
#pragma GCC unroll 8
    for (size_t c = 0; c < kVecs; ++c) right[c] = hn::Load(d, b + c * lanes);
#pragma GCC unroll 8
    for (size_t r = 0; r < kTileRows; ++r) {
      const V left = hn::Set(d, a(r, i));
#pragma GCC unroll 8
      for (size_t c = 0; c < kVecs; ++c) acc[r][c] = hn::MulAdd(left, right[c], acc[r][c]);
    }
  }
}

/// What products do between their parts, unless they are given something.
struct Nothing {
  void operator()() const {}
};
constexpr Nothing kNothing;

/// The largest of a column of a register tile, pair by pair: a chain would wait for each step.
template <size_t kVecs>
HWY_INLINE V LargestOfColumn(const V (&acc)[kRows][kVecs], size_t c) {
  V largest[kRows / 2];
#pragma GCC unroll 8
  for (size_t r = 0; r < kRows / 2; ++r) largest[r] = hn::Max(acc[r][c], acc[r + kRows / 2][c]);
#pragma GCC unroll 8
  for (size_t n = kRows / 4; n > 0; n /= 2)
#pragma GCC unroll 8
    for (size_t r = 0; r < n; ++r) largest[r] = hn::Max(largest[r], largest[r + n]);
  return largest[0];
}

/// scores[j][.] = k_j . q for keys j in [0, count), rounded up to kRows, and kVecs vectors of
/// queries; `largest`, if kLargest, grows to the largest of each query. `k` is packed: for each
/// kRows keys, chunk after chunk, [chunks, kRows, kChunk]; rows of q_t and scores are kWidth
/// vectors. `between` is called once for each chunk.
template <size_t kVecs, size_t kWidth = kVecs, bool kLargest = true, class Between = const Nothing>
HWY_NOINLINE void Scores(D d, const float* HWY_RESTRICT k, size_t count,
                         const float* HWY_RESTRICT q_t, size_t head_dim, float* HWY_RESTRICT scores,
                         float* HWY_RESTRICT largest, Between& between = kNothing) {
  const size_t lanes = hn::Lanes(d);
  const size_t width = kWidth * lanes;
  for (size_t j = 0; j < count; j += kRows, scores += kRows * width) {
    V acc[kRows][kVecs];
#pragma GCC unroll 8
    for (size_t r = 0; r < kRows; ++r)
#pragma GCC unroll 8
      for (size_t c = 0; c < kVecs; ++c) acc[r][c] = hn::Zero(d);
    size_t i = 0;
    for (; i + kChunk <= head_dim; i += kChunk, k += kRows * kChunk) {
      between();
      Accumulate<kVecs, kWidth>(d, ChunkOperand{k}, q_t + i * width, kChunk, acc);
    }
    if (i < head_dim) {
      between();
      Accumulate<kVecs, kWidth>(d, ChunkOperand{k}, q_t + i * width, head_dim - i, acc);
      k += kRows * kChunk;
    }
#pragma GCC unroll 8
    for (size_t c = 0; c < kVecs; ++c) {
#pragma GCC unroll 8
      for (size_t r = 0; r < kRows; ++r) hn::Store(acc[r][c], d, scores + r * width + c * lanes);
      if constexpr (kLargest) {
        float* HWY_RESTRICT at = largest + c * lanes;
        hn::Store(hn::Max(hn::Load(d, at), LargestOfColumn(acc, c)), d, at);
      }
    }
  }
}

/// Values of a block for AddValues: panels of kRows elements, `panel_stride` floats apart.
struct ValuePanels {
  const float* HWY_RESTRICT first;  ///< the first key's
  size_t panel_stride;
  size_t head_dim_v;
};

/// z_t[e][.] = z_t[e][.] * shrink[.] + sum over j < count of v[j][e] * p[j][.], for each element e
/// of head_dim_v and kVecs vectors of queries; rows of p and z_t are kWidth vectors. `between` is
/// called for every kChunk keys.
template <size_t kVecs, size_t kWidth = kVecs, class Between = const Nothing>
HWY_NOINLINE void AddValues(D d, const ValuePanels& v, size_t count, const float* HWY_RESTRICT p,
                            const float* HWY_RESTRICT shrink, float* HWY_RESTRICT z_t,
                            Between& between = kNothing) {
  const size_t lanes = hn::Lanes(d);
  const size_t width = kWidth * lanes;
  const float* HWY_RESTRICT panel = v.first;
  for (size_t e = 0; e < v.head_dim_v; e += kRows, panel += v.panel_stride, z_t += kRows * width) {
    V acc[kRows][kVecs];
#pragma GCC unroll 8
    for (size_t r = 0; r < kRows; ++r)
#pragma GCC unroll 8
      for (size_t c = 0; c < kVecs; ++c)
        acc[r][c] =
            hn::Mul(hn::Load(d, z_t + r * width + c * lanes), hn::Load(d, shrink + c * lanes));
    size_t i = 0;
    for (; i + kChunk <= count; i += kChunk) {
      between();
      Accumulate<kVecs, kWidth>(d, PanelOperand{panel + i * kRows}, p + i * width, kChunk, acc);
    }
    Accumulate<kVecs, kWidth>(d, PanelOperand{panel + i * kRows}, p + i * width, count - i, acc);
#pragma GCC unroll 8
    for (size_t r = 0; r < kRows; ++r)
#pragma GCC unroll 8
      for (size_t c = 0; c < kVecs; ++c) hn::Store(acc[r][c], d, z_t + r * width + c * lanes);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace headlight
HWY_AFTER_NAMESPACE();

#endif  // HEADLIGHT_ATTENTION_FLASH_PRODUCT_INL_H
