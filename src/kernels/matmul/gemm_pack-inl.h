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
      : begin(first),
        end(last),
        chunks((last - first + static_cast<std::int64_t>(kDepth) - 1) /
               static_cast<std::int64_t>(kDepth)) {}
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

/// Row r of chunk i goes to (i * rows + r) * kRowStride.
inline void PackRows(const StridedMatrix<const float>& a, const Part& rows, const DepthRange& depth,
                     float* to) {
  const auto stride = static_cast<std::int64_t>(kRowStride);
  for (std::int64_t i = 0; a.column_stride != 1 && i < depth.chunks; ++i) {
    const Part chunk = depth.chunk(i);
    Transpose({&a.at(rows.begin, depth.begin + chunk.begin), a.column_stride},
              static_cast<size_t>(chunk.size()), static_cast<size_t>(rows.size()),
              {to + i * rows.size() * stride, stride});
  }
  if (a.column_stride != 1) return;
  for (std::int64_t r = 0; r < rows.size(); ++r)
    for (std::int64_t i = 0; i < depth.chunks; ++i) {
      const Part chunk = depth.chunk(i);
      CopyFloats(&a.at(rows.begin + r, depth.begin + chunk.begin), chunk.size(),
                 to + (i * rows.size() + r) * stride);
    }
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
