// How one matrix product is cut into tasks.

// Highway toggles HWY_TARGET_TOGGLE per target, which lets this file in once for each of them.
#if defined(HEADLIGHT_GEMM_PLAN_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef HEADLIGHT_GEMM_PLAN_INL_H
#undef HEADLIGHT_GEMM_PLAN_INL_H
#else
#define HEADLIGHT_GEMM_PLAN_INL_H
#endif

#include <algorithm>
#include <cstddef>
#include <numeric>

#include "core/caches.h"
#include "core/threads.h"
#include "hwy/highway.h"
#include "kernels/matmul/gemm.h"
#include "kernels/matmul/gemm_pack-inl.h"
#include "kernels/matmul/gemm_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace headlight {
namespace HWY_NAMESPACE {

constexpr auto kTileRowsSigned = static_cast<std::int64_t>(kTileRows);
constexpr auto kTilePanelsSigned = static_cast<std::int64_t>(kTilePanels);
/// Steps of k between two times that c is added to in memory.
constexpr std::int64_t kSuperDepth = 1024;
/// Packed rows that a task holds: they share L2 with two slices of panels and the rows of c.
inline std::int64_t BlockFloats() {
  return std::min<std::int64_t>(l2_bytes() / 2, 512 << 10) / std::int64_t{sizeof(float)};
}
/// Floats of a panel's slice after widening.
constexpr std::int64_t kWidePanel = kRowStrideSigned * kPanelColumns;
/// Rows that are worth a task of their own; with fewer, threads share columns instead.
constexpr std::int64_t kRowsWorthATask = 8 * kTileRowsSigned;
/// Work under which waking threads costs more than they take over: about 50 microseconds.
constexpr double kSerialWork = 1.2e7;
/// Panels that all row blocks pass over before the next ones are read: they stay in L3 meanwhile.
constexpr std::int64_t kSharedBytes = 8 << 20;
/// Multiplications and additions that take as long as a byte from memory.
constexpr double kFlopsPerByte = 6;

inline std::int64_t CeilDiv(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

struct GemmCall {
  const StridedMatrix<const float>& a;
  const GemmPanels& b;
  const GemmOutput& c;
  /// b itself where b.data, which is `panels`, has yet to be packed; else null.
  const StridedMatrix<const float>* source = nullptr;
  float* panels = nullptr;

  std::int64_t bytes_of_panels() const { return panels_of(b.n) * panel_bytes(b.dtype, b.k); }
  /// Multiplications and additions, and what reading the panels takes in their place.
  double work() const {
    const double flops =
        2.0 * static_cast<double>(a.rows) * static_cast<double>(b.k) * static_cast<double>(b.n);
    return flops + kFlopsPerByte * static_cast<double>(bytes_of_panels());
  }
};

/// How a call is cut into tasks: column ranges x row blocks. A range is whole units, which are
/// whole tiles and whole finish_widths.
struct GemmPlan {
  std::int64_t row_blocks, column_ranges, unit, units;

  explicit GemmPlan(const GemmCall& call)
      : row_blocks(CeilDiv(call.a.rows, RowsOfBlock(call.b))),
        column_ranges(1),
        unit(std::lcm(call.c.finish_width, kTilePanelsSigned * kPanelColumns)) {
    units = CeilDiv(call.b.n, unit);
    if (row_blocks > 1)
      column_ranges = std::min(units, CeilDiv(call.bytes_of_panels(), kSharedBytes));
    if (threads() == 1 || call.work() < kSerialWork) return;
    const std::int64_t tasks = 2 * threads();
    row_blocks = std::max(row_blocks, std::min(tasks, call.a.rows / kRowsWorthATask));
    column_ranges = std::max(column_ranges, std::min(units, CeilDiv(tasks, row_blocks)));
  }
  /// Widening a slice pays off over twice the rows.
  static std::int64_t RowsOfBlock(const GemmPanels& b) {
    const std::int64_t floats = b.dtype == DType::f32 ? BlockFloats() : 2 * BlockFloats();
    return floats / std::clamp(b.k, kDepthSigned, kSuperDepth);
  }
};

}  // namespace HWY_NAMESPACE
}  // namespace headlight
HWY_AFTER_NAMESPACE();

#endif  // HEADLIGHT_GEMM_PLAN_INL_H
