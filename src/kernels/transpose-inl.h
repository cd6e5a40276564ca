// Rows to columns, for packing.

// Highway toggles HWY_TARGET_TOGGLE per target, which lets this file in once for each of them.
#if defined(HEADLIGHT_TRANSPOSE_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef HEADLIGHT_TRANSPOSE_INL_H
#undef HEADLIGHT_TRANSPOSE_INL_H
#else
#define HEADLIGHT_TRANSPOSE_INL_H
#endif

#include <cstddef>
#include <cstdint>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace headlight {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// A matrix of floats in memory, rows `stride` apart.
template <class T>
struct Matrix {
  T* data;
  std::int64_t stride;
  T* row(size_t r) const { return data + static_cast<std::int64_t>(r) * stride; }
};

/// What a transposition does to elements on their way: nothing.
struct AsTheyAre {
  template <class D>
  HWY_INLINE hn::Vec<D> operator()(D, size_t, hn::Vec<D> x) const {
    return x;
  }
};

/// to[c][r] = f(from[r][c]) for four rows and cols columns. `f` is given the tag, the column (plus
/// `first`) of the first lane, and the elements.
template <class F = AsTheyAre>
HWY_INLINE void TransposeStrip(Matrix<const float> from, size_t cols, Matrix<float> to,
                               size_t first = 0, const F& f = {}) {
  const float* HWY_RESTRICT r0 = from.row(0);
  const float* HWY_RESTRICT r1 = from.row(1);
  const float* HWY_RESTRICT r2 = from.row(2);
  const float* HWY_RESTRICT r3 = from.row(3);
  float* HWY_RESTRICT at = to.data;
  size_t c = 0;
#if HWY_TARGET != HWY_SCALAR
  const hn::FixedTag<float, 4> d4;
  for (; c + 4 <= cols; c += 4, at += 4 * to.stride) {
    const auto a = f(d4, first + c, hn::LoadU(d4, r0 + c));
    const auto b = f(d4, first + c, hn::LoadU(d4, r1 + c));
    const auto x = f(d4, first + c, hn::LoadU(d4, r2 + c));
    const auto y = f(d4, first + c, hn::LoadU(d4, r3 + c));
    const auto low_ax = hn::InterleaveLower(d4, a, x);
    const auto low_by = hn::InterleaveLower(d4, b, y);
    const auto high_ax = hn::InterleaveUpper(d4, a, x);
    const auto high_by = hn::InterleaveUpper(d4, b, y);
    hn::StoreU(hn::InterleaveLower(d4, low_ax, low_by), d4, at);
    hn::StoreU(hn::InterleaveUpper(d4, low_ax, low_by), d4, at + to.stride);
    hn::StoreU(hn::InterleaveLower(d4, high_ax, high_by), d4, at + 2 * to.stride);
    hn::StoreU(hn::InterleaveUpper(d4, high_ax, high_by), d4, at + 3 * to.stride);
  }
#endif
  const hn::CappedTag<float, 1> d1;
  for (; c < cols; ++c, at += to.stride) {
    size_t i = 0;
    for (const float* row : {r0, r1, r2, r3})
      at[i++] = hn::GetLane(f(d1, first + c, hn::LoadU(d1, row + c)));
  }
}

#if HWY_TARGET <= HWY_AVX2

/// In each 16 bytes: columns of four vectors become rows.
template <class D, class V = hn::Vec<D>>
HWY_INLINE void TransposeBlocks(D d, const V* in, V* out) {
  const V low_02 = hn::InterleaveLower(d, in[0], in[2]);
  const V low_13 = hn::InterleaveLower(d, in[1], in[3]);
  const V high_02 = hn::InterleaveUpper(d, in[0], in[2]);
  const V high_13 = hn::InterleaveUpper(d, in[1], in[3]);
  out[0] = hn::InterleaveLower(d, low_02, low_13);
  out[1] = hn::InterleaveUpper(d, low_02, low_13);
  out[2] = hn::InterleaveLower(d, high_02, high_13);
  out[3] = hn::InterleaveUpper(d, high_02, high_13);
}

/// to[c][r] = f(from[r][c]) for as many rows and columns as a vector has lanes. Whole vectors are
/// stored, so that rows of `to` that share a set of the cache do not evict each other half written.
template <class F = AsTheyAre>
HWY_INLINE void TransposeSquare(Matrix<const float> from, Matrix<float> to, size_t first = 0,
                                const F& f = {}) {
  const hn::ScalableTag<float> d;
  using V = hn::Vec<decltype(d)>;
  constexpr size_t kLanes = hn::MaxLanes(d), kGroups = kLanes / 4;
  V blocks[kGroups][4];
  for (size_t g = 0; g < kGroups; ++g) {
    V in[4];
    for (size_t i = 0; i < 4; ++i) in[i] = f(d, first, hn::LoadU(d, from.row(4 * g + i)));
    TransposeBlocks(d, in, blocks[g]);
  }
  // Block b of blocks[g][k] holds rows 4 g .. 4 g + 3 of column 4 b + k.
  for (size_t k = 0; k < 4; ++k) {
    if constexpr (kLanes == 8) {
      hn::StoreU(hn::ConcatLowerLower(d, blocks[1][k], blocks[0][k]), d, to.row(k));
      hn::StoreU(hn::ConcatUpperUpper(d, blocks[1][k], blocks[0][k]), d, to.row(4 + k));
    } else {
      const V low_02 = hn::ConcatLowerLower(d, blocks[2][k], blocks[0][k]);
      const V low_13 = hn::ConcatLowerLower(d, blocks[3][k], blocks[1][k]);
      const V high_02 = hn::ConcatUpperUpper(d, blocks[2][k], blocks[0][k]);
      const V high_13 = hn::ConcatUpperUpper(d, blocks[3][k], blocks[1][k]);
      hn::StoreU(hn::OddEvenBlocks(hn::SwapAdjacentBlocks(low_13), low_02), d, to.row(k));
      hn::StoreU(hn::OddEvenBlocks(low_13, hn::SwapAdjacentBlocks(low_02)), d, to.row(4 + k));
      hn::StoreU(hn::OddEvenBlocks(hn::SwapAdjacentBlocks(high_13), high_02), d, to.row(8 + k));
      hn::StoreU(hn::OddEvenBlocks(high_13, hn::SwapAdjacentBlocks(high_02)), d, to.row(12 + k));
    }
  }
}

#endif  // HWY_TARGET <= HWY_AVX2

/// to[c][r] = f(from[r][c]) for r < rows, c < cols.
template <class F = AsTheyAre>
inline void Transpose(Matrix<const float> from, size_t rows, size_t cols, Matrix<float> to,
                      const F& f = {}) {
  size_t r = 0;
#if HWY_TARGET <= HWY_AVX2
  constexpr size_t kLanes = hn::MaxLanes(hn::ScalableTag<float>());
  const size_t square_cols = cols / kLanes * kLanes;
  for (; r + kLanes <= rows; r += kLanes) {
    for (size_t c = 0; c < square_cols; c += kLanes)
      TransposeSquare({from.row(r) + c, from.stride}, {to.row(c) + r, to.stride}, c, f);
    for (size_t i = r; i < r + kLanes; i += 4)
      TransposeStrip({from.row(i) + square_cols, from.stride}, cols - square_cols,
                     {to.row(square_cols) + i, to.stride}, square_cols, f);
  }
#endif
  for (; r + 4 <= rows; r += 4)
    TransposeStrip({from.row(r), from.stride}, cols, {to.data + r, to.stride}, 0, f);
  const hn::CappedTag<float, 1> d1;
  for (; r < rows; ++r)
    for (size_t c = 0; c < cols; ++c)
      to.row(c)[r] = hn::GetLane(f(d1, c, hn::LoadU(d1, from.row(r) + c)));
}

}  // namespace HWY_NAMESPACE
}  // namespace headlight
HWY_AFTER_NAMESPACE();

#endif  // HEADLIGHT_TRANSPOSE_INL_H
