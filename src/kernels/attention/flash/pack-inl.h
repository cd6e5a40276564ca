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
#include "kernels/attention/flash/product-inl.h"
#include "kernels/attention/flash/tile.h"
#include "kernels/storage-inl.h"
#include "kernels/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace headlight {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// The rows of one head from `first` on, and the factors of i8 rows, if any.
struct StoredRows {
  const TensorView& view;
  const TensorView& scale;
  std::int64_t batch, head, first;

  const std::byte* row(std::int64_t i) const {
    const std::int64_t at =
        batch * view.stride(0) + (first + i) * view.stride(1) + head * view.stride(2);
    return static_cast<const std::byte*>(view.data()) +
           at * static_cast<std::int64_t>(size_of(view.dtype()));
  }
  float factor(std::int64_t i) const {
    return scale.as<float>()[batch * scale.stride(0) + (first + i) * scale.stride(1) +
                             head * scale.stride(2)];
  }
};

/// `count` rows as fp32: in place, or widened into scratch.rows.
inline Matrix<const float> HeadRows(const StoredRows& rows, size_t count, FlashScratch& scratch) {
  const TensorView& view = rows.view;
  if (view.dtype() == DType::f32)
    return {view.as<float>() + (rows.batch * view.stride(0) + rows.first * view.stride(1) +
                                rows.head * view.stride(2)),
            view.stride(1)};
  const auto width = static_cast<size_t>(view.dim(3));
  for (size_t i = 0; i < count; ++i) {
    const auto row = static_cast<std::int64_t>(i);
    float* to = scratch.rows + i * width;
    WidenRow(view.dtype(), rows.row(row), width, to);
    if (!rows.scale) continue;
    const float factor = rows.factor(row);
    std::transform(to, to + width, to, [factor](float x) { return x * factor; });
  }
  return {scratch.rows, view.dim(3)};
}

/// Elements times one factor, or each column times its own, as they are transposed.
struct TimesFactor {
  float factor;
  template <class DX>
  HWY_INLINE hn::Vec<DX> operator()(DX d, size_t, hn::Vec<DX> x) const {
    return hn::Mul(x, hn::Set(d, factor));
  }
};
struct TimesColumn {
  const float* factors;
  template <class DX>
  HWY_INLINE hn::Vec<DX> operator()(DX d, size_t column, hn::Vec<DX> x) const {
    return hn::Mul(x, hn::LoadU(d, factors + column));
  }
};

/// The tile's queries times `scale`, transposed onto the lanes; zeros on the lanes past the last.
inline void PackQueries(const FlashCall& call, FlashScratch& scratch, float scale,
                        const FlashTile& tile) {
  const auto head_dim = static_cast<size_t>(call.problem.head_dim);
  if (tile.rows < tile.width) std::fill_n(tile.q_t, head_dim * tile.width, 0.0f);
  const StoredRows rows{call.tensors.q, {}, call.batch, tile.head, tile.q_begin};
  Transpose(HeadRows(rows, tile.rows, scratch), tile.rows, head_dim,
            {tile.q_t, static_cast<std::int64_t>(tile.width)}, TimesFactor{scale});
}

/// Floats from one panel of packed values to the next. A line more than they take, or the places
/// of one key in all panels would share a set of the cache.
constexpr size_t kValuePanel = static_cast<size_t>(kBlockKeys) * kRows + 16;

/// Moves infinities and NaNs of the packed block to its list; zeros take their place.
inline void SetAsideNonFinite(FlashBlock& block, size_t panels) {
  for (size_t panel = 0; panel < panels; ++panel)
    for (size_t key = 0; key < block.count; ++key)
      for (size_t e = 0; e < kRows; ++e) {
        float& value = block.v[panel * kValuePanel + key * kRows + e];
        if (std::isfinite(value)) continue;
        block.non_finite.push_back({key, panel * kRows + e, value});
        value = 0;
      }
}

/// Packs rows of n elements for Scores; the last row repeats to fill its register tile.
inline void PackForScores(Matrix<const float> from, size_t rows, size_t n, float* to) {
  const hn::CappedTag<float, kChunk> d;
  for (size_t j = 0; j < rows; j += kRows) {
    const float* row[kRows];
    for (size_t r = 0; r < kRows; ++r) row[r] = from.row(std::min(j + r, rows - 1));
    size_t c = 0;
    for (; c + kChunk <= n; c += kChunk)
#pragma GCC unroll 8
      for (size_t r = 0; r < kRows; ++r, to += kChunk)
        for (size_t i = 0; i < kChunk; i += hn::Lanes(d))
          hn::Store(hn::LoadU(d, row[r] + c + i), d, to + i);
    if (c == n) continue;
    for (size_t r = 0; r < kRows; ++r, to += kChunk) std::copy_n(row[r] + c, n - c, to);
  }
}

inline void PackKeys(const FlashCall& call, FlashScratch& scratch) {
  const FlashBlock& block = *scratch.block;
  const auto head_dim = static_cast<size_t>(call.problem.head_dim);
  for (size_t j = 0; j < block.count; j += kRows) {
    const size_t rows = std::min(kRows, block.count - j);
    const StoredRows keys{call.tensors.k, call.tensors.k_scale, call.batch, call.kv_head,
                          block.begin + static_cast<std::int64_t>(j)};
    PackForScores(HeadRows(keys, rows, scratch), rows, head_dim, block.k + j * PackedKey(head_dim));
  }
}

/// Watches for infinities and NaNs: 0 * x is NaN for them, and the sum stays NaN. One sum for each
/// row of a register tile, or each would wait for the one before.
template <class DR>
class FiniteWatch {
 public:
  explicit FiniteWatch(DR d) {
    for (auto& sum : sums_) sum = hn::Zero(d);
  }
  HWY_INLINE void operator()(DR d, size_t row, hn::Vec<DR> x) {
    sums_[row] = hn::MulAdd(x, hn::Zero(d), sums_[row]);
  }
  bool finite(DR d) const {
    auto all = hn::Zero(d);
    for (const auto& sum : sums_) all = hn::Add(all, sum);
    return hn::AllTrue(d, hn::Eq(all, hn::Zero(d)));
  }

 private:
  hn::Vec<DR> sums_[kRows];
};

/// Copies the values of `rows` keys, n elements each, into their places in each panel; zeros fill
/// the last panel.
template <class DR>
HWY_INLINE void PackValueRows(DR d, Matrix<const float> values, size_t rows, size_t n,
                              float* HWY_RESTRICT to, FiniteWatch<DR>& watch) {
  const auto copy = [&](const float* from, size_t r) HWY_ATTR {
    for (size_t i = 0; i < kRows; i += hn::Lanes(d)) {
      const auto x = hn::LoadU(d, from + i);
      hn::Store(x, d, to + r * kRows + i);
      watch(d, r, x);
    }
  };
  const size_t whole = n / kRows * kRows;
  const float* row[kRows];
  for (size_t r = 0; r < kRows; ++r) row[r] = values.row(std::min(r, rows - 1));
  for (size_t e = 0; e < whole; e += kRows, to += kValuePanel) {
    if (rows == kRows) {
#pragma GCC unroll 8
      for (size_t r = 0; r < kRows; ++r) copy(row[r] + e, r);
    } else {
      for (size_t r = 0; r < rows; ++r) copy(row[r] + e, r);
    }
  }
  if (whole == n) return;
  for (size_t r = 0; r < rows; ++r) {
    float rest[kRows] = {};
    std::copy(row[r] + whole, row[r] + n, rest);
    copy(rest, r);
  }
}

inline void PackValues(const FlashCall& call, FlashScratch& scratch) {
  const hn::CappedTag<float, kRows> d;
  FlashBlock& block = *scratch.block;
  const auto n = static_cast<size_t>(call.problem.head_dim_v);
  FiniteWatch watch(d);
  for (size_t j = 0; j < block.count; j += kRows) {
    const size_t rows = std::min(kRows, block.count - j);
    const StoredRows values{call.tensors.v, call.tensors.v_scale, call.batch, call.kv_head,
                            block.begin + static_cast<std::int64_t>(j)};
    PackValueRows(d, HeadRows(values, rows, scratch), rows, n, block.v + j * kRows, watch);
  }
  block.non_finite.clear();
  if (!watch.finite(d)) SetAsideNonFinite(block, round_up(n, kRows) / kRows);
}

/// Multiplies lane i by factor[i] and writes the tile's rows of z in its dtype.
inline void StoreOutput(const FlashCall& call, FlashScratch& scratch, const float* factor,
                        const FlashTile& tile) {
  const MutableTensorView& z = call.tensors.z;
  const auto elements = static_cast<size_t>(call.problem.head_dim_v);
  const Matrix<const float> from{tile.z_t, static_cast<std::int64_t>(tile.width)};
  const std::int64_t offset =
      call.batch * z.stride(0) + tile.q_begin * z.stride(1) + tile.head * z.stride(2);
  if (z.dtype() == DType::f32)
    return Transpose(from, elements, tile.rows, {z.as<float>() + offset, z.stride(1)},
                     TimesColumn{factor});
  Transpose(from, elements, tile.rows, {scratch.rows, call.problem.head_dim_v},
            TimesColumn{factor});
  for (size_t i = 0; i < tile.rows; ++i) {
    const std::int64_t row = offset + static_cast<std::int64_t>(i) * z.stride(1);
    NarrowRow(
        z.dtype(), scratch.rows + i * elements, elements,
        static_cast<std::byte*>(z.data()) + row * static_cast<std::int64_t>(size_of(z.dtype())));
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace headlight
HWY_AFTER_NAMESPACE();

#endif  // HEADLIGHT_ATTENTION_FLASH_PACK_INL_H
