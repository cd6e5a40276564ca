// Packing for the flash kernel: queries onto lanes and back, blocks of K and V.

// Highway toggles HWY_TARGET_TOGGLE per target, which lets this file in once for each of them.
#if defined(HEADLIGHT_ATTENTION_FLASH_PACK_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef HEADLIGHT_ATTENTION_FLASH_PACK_INL_H
#undef HEADLIGHT_ATTENTION_FLASH_PACK_INL_H
#else
#define HEADLIGHT_ATTENTION_FLASH_PACK_INL_H
#endif

#include <cmath>
#include <cstddef>
#include <cstring>

#include "hwy/highway.h"
#include "kernels/attention_flash_product-inl.h"
#include "kernels/attention_flash_tile.h"
#include "kernels/attention_rows.h"

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

/// to[c][r] = from[r][c] for four rows from r on and four columns from c on.
inline void TransposeSquare(Matrix<const float> from, size_t r, size_t c, Matrix<float> to) {
#if HWY_TARGET == HWY_SCALAR
  for (size_t i = 0; i < 4; ++i)
    for (size_t k = 0; k < 4; ++k) to.row(c + k)[r + i] = from.row(r + i)[c + k];
#else
  const hn::FixedTag<float, 4> d4;
  const auto r0 = hn::LoadU(d4, from.row(r) + c);
  const auto r1 = hn::LoadU(d4, from.row(r + 1) + c);
  const auto r2 = hn::LoadU(d4, from.row(r + 2) + c);
  const auto r3 = hn::LoadU(d4, from.row(r + 3) + c);
  const auto low02 = hn::InterleaveLower(d4, r0, r2);
  const auto low13 = hn::InterleaveLower(d4, r1, r3);
  const auto high02 = hn::InterleaveUpper(d4, r0, r2);
  const auto high13 = hn::InterleaveUpper(d4, r1, r3);
  hn::StoreU(hn::InterleaveLower(d4, low02, low13), d4, to.row(c) + r);
  hn::StoreU(hn::InterleaveUpper(d4, low02, low13), d4, to.row(c + 1) + r);
  hn::StoreU(hn::InterleaveLower(d4, high02, high13), d4, to.row(c + 2) + r);
  hn::StoreU(hn::InterleaveUpper(d4, high02, high13), d4, to.row(c + 3) + r);
#endif
}

/// to[c][r] = from[r][c] for r < rows, c < cols.
inline void Transpose(Matrix<const float> from, size_t rows, size_t cols, Matrix<float> to) {
  size_t r = 0;
  for (; r + 4 <= rows; r += 4) {
    size_t c = 0;
    for (; c + 4 <= cols; c += 4) TransposeSquare(from, r, c, to);
    for (; c < cols; ++c)
      for (size_t i = r; i < r + 4; ++i) to.row(c)[i] = from.row(i)[c];
  }
  for (; r < rows; ++r)
    for (size_t c = 0; c < cols; ++c) to.row(c)[r] = from.row(r)[c];
}

/// The tile's queries times `scale`, transposed onto the lanes; zeros on the lanes past the last.
inline void PackQueries(const FlashCall& call, FlashScratch& scratch, float scale,
                        const FlashTile& tile) {
  const D d;
  const TensorView& q = call.tensors.q;
  const auto head_dim = static_cast<size_t>(call.problem.head_dim);
  Matrix<const float> from{scratch.rows, call.problem.head_dim};
  if (q.dtype() == DType::f32) {
    from = {head_vector(q, call.batch, tile.q_begin, tile.head, scratch.row).data(), q.stride(1)};
  } else {
    for (size_t i = 0; i < tile.rows; ++i) {
      const auto query = head_vector(q, call.batch, tile.q_begin + static_cast<std::int64_t>(i),
                                     tile.head, scratch.row);
      std::ranges::copy(query, scratch.rows + i * head_dim);
    }
  }
  if (tile.rows < tile.width) std::fill_n(tile.q_t, head_dim * tile.width, 0.0f);
  Transpose(from, tile.rows, head_dim, {tile.q_t, static_cast<std::int64_t>(tile.width)});
  const V factor = hn::Set(d, scale);
  for (size_t i = 0; i < head_dim * tile.width; i += hn::Lanes(d))
    hn::Store(hn::Mul(hn::Load(d, tile.q_t + i), factor), d, tile.q_t + i);
}

/// Moves infinities and NaNs of the packed block to its list; zeros take their place.
inline void SetAsideNonFinite(FlashBlock& block, size_t panels) {
  for (size_t i = 0; i < panels * static_cast<size_t>(kBlockKeys) * kRows; ++i) {
    const size_t key = i / kRows % static_cast<size_t>(kBlockKeys);
    if (key >= block.count || std::isfinite(block.v[i])) continue;
    const size_t element = i / (static_cast<size_t>(kBlockKeys) * kRows) * kRows + i % kRows;
    block.non_finite.push_back({key, element, block.v[i]});
    block.v[i] = 0;
  }
}

inline void PackKeys(const FlashCall& call, std::vector<float>& buffer, FlashBlock& block) {
  const auto head_dim = static_cast<size_t>(call.problem.head_dim);
  for (size_t j = 0; j < block.count; ++j) {
    const auto key = head_vector(call.tensors.k, call.batch,
                                 block.begin + static_cast<std::int64_t>(j), call.kv_head, buffer);
    std::memcpy(block.k + j * head_dim, key.data(), head_dim * sizeof(float));
  }
  const float* last = block.k + (block.count - 1) * head_dim;
  for (size_t j = block.count; j % kRows != 0; ++j)
    std::memcpy(block.k + j * head_dim, last, head_dim * sizeof(float));
}

inline void PackValues(const FlashCall& call, std::vector<float>& buffer, FlashBlock& block) {
  const hn::CappedTag<float, kRows> d;
  const auto width = static_cast<size_t>(call.problem.head_dim_v);
  const size_t panel = static_cast<size_t>(kBlockKeys) * kRows;
  auto poison = hn::Zero(d);  // 0 * x is NaN for a NaN or an infinite x, and stays in the sum
  for (size_t j = 0; j < block.count; ++j) {
    const auto value =
        head_vector(call.tensors.v, call.batch, block.begin + static_cast<std::int64_t>(j),
                    call.kv_head, buffer);
    float* to = block.v + j * kRows;
    for (size_t e = 0; e < width; e += kRows, to += panel) {
      const size_t n = std::min(kRows, width - e);
      if (n < kRows) std::fill_n(to, kRows, 0.0f);
      std::memcpy(to, value.data() + e, n * sizeof(float));
      for (size_t i = 0; i < kRows; i += hn::Lanes(d))
        poison = hn::MulAdd(hn::Load(d, to + i), hn::Zero(d), poison);
    }
  }
  block.non_finite.clear();
  if (!hn::AllTrue(d, hn::Eq(poison, hn::Zero(d))))
    SetAsideNonFinite(block, (width + kRows - 1) / kRows);
}

/// Multiplies lane i by factor[i] and writes the tile's rows of z in its dtype.
inline void StoreOutput(const FlashCall& call, FlashScratch& scratch, const float* factor,
                        const FlashTile& tile) {
  const D d;
  const MutableTensorView& z = call.tensors.z;
  const auto elements = static_cast<size_t>(call.problem.head_dim_v);
  for (size_t e = 0; e < elements; ++e)
    for (size_t c = 0; c < tile.width; c += hn::Lanes(d)) {
      float* at = tile.z_t + e * tile.width + c;
      hn::Store(hn::Mul(hn::Load(d, at), hn::Load(d, factor + c)), d, at);
    }
  const Matrix<const float> from{tile.z_t, static_cast<std::int64_t>(tile.width)};
  const std::int64_t offset =
      call.batch * z.stride(0) + tile.q_begin * z.stride(1) + tile.head * z.stride(2);
  if (z.dtype() == DType::f32)
    return Transpose(from, elements, tile.rows, {z.as<float>() + offset, z.stride(1)});
  Transpose(from, elements, tile.rows, {scratch.rows, call.problem.head_dim_v});
  for (size_t i = 0; i < tile.rows; ++i) {
    const std::int64_t row = offset + static_cast<std::int64_t>(i) * z.stride(1);
    const float* values = scratch.rows + i * elements;
    if (z.dtype() == DType::bf16)
      std::transform(values, values + elements, z.as<BFloat16>() + row, to_bfloat16);
    else
      std::transform(values, values + elements, z.as<Float16>() + row, to_float16);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace headlight
HWY_AFTER_NAMESPACE();

#endif  // HEADLIGHT_ATTENTION_FLASH_PACK_INL_H
