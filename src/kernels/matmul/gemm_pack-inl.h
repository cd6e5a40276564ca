// Packing for the matrix product: rows of a to where tiles find them, b into panels.

// Highway toggles HWY_TARGET_TOGGLE per target, which lets this file in once for each of them.
#if defined(HEADLIGHT_GEMM_PACK_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef HEADLIGHT_GEMM_PACK_INL_H
#undef HEADLIGHT_GEMM_PACK_INL_H
#else
#define HEADLIGHT_GEMM_PACK_INL_H
#endif

#include <algorithm>
#include <cstddef>

#include "hwy/highway.h"
#include "kernels/matmul/gemm_tile-inl.h"
#include "kernels/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace headlight {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr auto kDepthSigned = static_cast<std::int64_t>(kDepth);
constexpr auto kRowStrideSigned = static_cast<std::int64_t>(kRowStride);

/// Steps [begin, end) of k.
struct Steps {
  std::int64_t begin, end;
  std::int64_t size() const { return end - begin; }
};

/// Part `i` of `parts` of [0, n), as even as can be.
struct Part {
  std::int64_t begin, end;
  Part(std::int64_t n, std::int64_t parts, std::int64_t i)
      : begin(n * i / parts), end(n * (i + 1) / parts) {}
  std::int64_t size() const { return end - begin; }
};

/// Steps [begin, end) of k, in chunks that a tile takes at once. All begin at even steps: bf16 lies
/// in pairs.
struct DepthRange {
  std::int64_t begin, end, chunks;

  DepthRange(std::int64_t first, std::int64_t last)
      : begin(first), end(last), chunks((last - first + kDepthSigned - 1) / kDepthSigned) {}
  /// Counted from `begin`.
  Part chunk(std::int64_t i) const { return EvenPart(end - begin, chunks, i); }
  /// As Part, but begins and ends are even, except the last.
  static Part EvenPart(std::int64_t n, std::int64_t parts, std::int64_t i) {
    Part part(n, parts, i);
    part.begin -= part.begin % 2;
    if (i + 1 < parts) part.end -= part.end % 2;
    return part;
  }
};

HWY_INLINE void CopyFloats(const float* HWY_RESTRICT from, std::int64_t n, float* HWY_RESTRICT to) {
  const GemmD d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(hn::LoadU(d, from + i), d, to + i);
  for (; i < n; ++i) to[i] = from[i];
}

/// The rows that a task packs, in `count` tiles, the first `longer` of them a row longer than the
/// others; a chunk of steps at a time.
struct RowTiles {
  Part rows;
  std::int64_t count, shortest, longer;

  RowTiles(const Part& of, std::int64_t tiles)
      : rows(of), count(tiles), shortest(of.size() / tiles), longer(of.size() % tiles) {}
  std::int64_t begin(std::int64_t t) const {
    return rows.begin + t * shortest + std::min(t, longer);
  }
  std::int64_t size(std::int64_t t) const { return shortest + (t < longer ? 1 : 0); }
  /// Where tile t begins in a packed chunk, and the floats of a chunk.
  std::int64_t offset(std::int64_t t) const { return (begin(t) - rows.begin) * kRowStrideSigned; }
  std::int64_t floats() const { return rows.size() * kRowStrideSigned; }
};

/// Few rows: row r goes to r * kRowStride.
inline void PackFewRows(const StridedMatrix<const float>& a, const Part& rows, const Steps& steps,
                        float* to) {
  const float* from = &a.at(rows.begin, steps.begin);
  if (a.column_stride != 1)
    Transpose({from, a.column_stride}, static_cast<size_t>(steps.size()),
              static_cast<size_t>(rows.size()), {to, kRowStrideSigned});
  for (std::int64_t r = 0; a.column_stride == 1 && r < rows.size(); ++r)
    CopyFloats(from + r * a.row_stride, steps.size(), to + r * kRowStrideSigned);
}

/// RowOrder::lines: rows of contiguous steps.
inline void PackLines(const StridedMatrix<const float>& a, const RowTiles& tiles,
                      const Steps& steps, float* to) {
  constexpr auto kLine = static_cast<std::int64_t>(kLineSteps);
  for (std::int64_t t = 0; t < tiles.count; ++t)
    for (std::int64_t r = 0; r < tiles.size(t); ++r) {
      const float* from = &a.at(tiles.begin(t) + r, steps.begin);
      float* at = to + tiles.offset(t) + r * kLine;
      const std::int64_t whole = steps.size() / kLine * kLine;
      for (std::int64_t i = 0; i < whole; i += kLine, at += tiles.size(t) * kLine)
        CopyFloats(from + i, kLine, at);
      CopyFloats(from + whole, steps.size() - whole, at);
    }
}

/// RowOrder::steps, a few steps of a tile: contiguous rows. Writes up to a vector past them.
inline void PackStepsOfTile(const StridedMatrix<const float>& a, std::int64_t row,
                            std::int64_t rows, const Steps& steps, float* to) {
  const GemmD d;
  const float* from = &a.at(row, steps.begin);
  for (std::int64_t i = 0; i < steps.size(); ++i, from += a.column_stride, to += rows)
    hn::StoreU(LoadPartial(d, from, static_cast<size_t>(rows)), d, to);
}

/// RowOrder::steps: steps of contiguous rows.
inline void PackSteps(const StridedMatrix<const float>& a, const RowTiles& tiles,
                      const Steps& steps, float* to) {
  constexpr std::int64_t kGroup = 16;  // steps whose lines are at hand for all tiles
  for (std::int64_t i = 0; i < steps.size(); i += kGroup)
    for (std::int64_t t = 0; t < tiles.count; ++t)
      PackStepsOfTile(a, tiles.begin(t), tiles.size(t),
                      {steps.begin + i, std::min(steps.begin + i + kGroup, steps.end)},
                      to + tiles.offset(t) + i * tiles.size(t));
}

/// The given steps of panel `index` of b, [steps, 16], zero past b's last column.
inline void PackPanel(const StridedMatrix<const float>& b, std::int64_t index, const Steps& steps,
                      float* to) {
  const std::int64_t column = index * kPanelColumns;
  const std::int64_t columns = std::min(kPanelColumns, b.columns - column);
  if (columns < kPanelColumns) std::fill_n(to, steps.size() * kPanelColumns, 0.0f);
  const float* from = &b.at(steps.begin, column);
  if (b.column_stride != 1)
    return Transpose({from, b.column_stride}, static_cast<size_t>(columns),
                     static_cast<size_t>(steps.size()), {to, kPanelColumns});
  for (std::int64_t i = 0; i < steps.size(); ++i)
    CopyFloats(from + i * b.row_stride, columns, to + i * kPanelColumns);
}

/// `count` steps of a panel, widened: [count, 16], and one more row where pairs need it.
template <class Panel>
void WidenSteps(Panel panel, std::int64_t count, float* HWY_RESTRICT to) {
  const GemmD d;
  for (std::int64_t i = 0; i < count; i += 2, panel = panel.From(2), to += 2 * kPanelFloats)
#pragma GCC unroll 32
    for (size_t v = 0; v < 2 * kPanelVecs; ++v)
      hn::Store(panel.Load(d, v / kPanelVecs, v % kPanelVecs), d, to + v * hn::Lanes(d));
}

}  // namespace HWY_NAMESPACE
}  // namespace headlight
HWY_AFTER_NAMESPACE();

#endif  // HEADLIGHT_GEMM_PACK_INL_H
