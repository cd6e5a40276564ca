#include "kernels/gemm.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <optional>

#include "core/tensor.h"
#include "core/threads.h"
#include "kernels/target_override.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/gemm.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/gemm_pack-inl.h"
#include "kernels/gemm_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace headlight {
namespace HWY_NAMESPACE {
namespace {

constexpr auto kTileRowsSigned = static_cast<std::int64_t>(kTileRows);
constexpr auto kTilePanelsSigned = static_cast<std::int64_t>(kTilePanels);
constexpr auto kRowStrideSigned = static_cast<std::int64_t>(kRowStride);
/// Steps of k between two times that c is added to in memory.
constexpr std::int64_t kSuperDepth = 2 * static_cast<std::int64_t>(kDepth);
/// Packed rows that a task holds: they share L2 with a few panels and the rows of c.
constexpr std::int64_t kBlockFloats = (256 << 10) / sizeof(float);
/// Rows that are worth a task of their own; with fewer, threads share columns instead.
constexpr std::int64_t kRowsWorthATask = 8 * kTileRowsSigned;
/// Multiplications and additions under which waking threads costs more than they take over.
constexpr double kSerialFlops = 4e6;

std::int64_t CeilDiv(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

struct GemmCall {
  const StridedMatrix<const float>& a;
  const GemmPanels& b;
  const GemmOutput& c;

  double flops() const {
    return 2.0 * static_cast<double>(a.rows) * static_cast<double>(b.k) * static_cast<double>(b.n);
  }
};

/// How a call is cut into tasks: row blocks x column ranges. A range is whole units, which are
/// whole tiles and whole finish_widths.
struct GemmPlan {
  std::int64_t row_blocks, column_ranges, unit, units;

  explicit GemmPlan(const GemmCall& call)
      : row_blocks(CeilDiv(call.a.rows, std::max(kBlockFloats / std::min(call.b.k, kSuperDepth),
                                                 kTileRowsSigned))),
        column_ranges(1),
        unit(std::lcm(call.c.finish_width, kTilePanelsSigned * kPanelColumns)) {
    units = CeilDiv(call.b.n, unit);
    if (threads() == 1 || call.flops() < kSerialFlops) return;
    const std::int64_t tasks = 2 * threads();
    row_blocks = std::max(row_blocks, std::min(tasks, call.a.rows / kRowsWorthATask));
    column_ranges = std::min(units, CeilDiv(tasks, row_blocks));
  }
};

/// A block of rows x a range of columns of c, over all of k.
class GemmTask {
 public:
  GemmTask(const GemmCall& call, const Part& rows, Tensor& storage)
      : call_(call), rows_(rows), storage_(storage) {}

  void Run(std::int64_t column_begin, std::int64_t column_end, std::int64_t unit) {
    const std::int64_t supers = CeilDiv(call_.b.k, kSuperDepth);
    for (std::int64_t s = 0; s < supers; ++s) {
      const Part part(call_.b.k, supers, s);
      depth_ = {part.begin, part.end, CeilDiv(part.size(), static_cast<std::int64_t>(kDepth))};
      Pack();
      for (std::int64_t column = column_begin; column < column_end; column += unit) {
        const std::int64_t end = std::min(column + unit, column_end);
        MultiplyColumns(column, end);
        if (s + 1 == supers && call_.c.finish)
          call_.c.finish({rows_.begin, rows_.end, column, end});
      }
    }
  }

 private:
  void Pack() {
    packed_ = nullptr;
    if (rows_.size() == 1 && call_.a.column_stride == 1) return;  // tiles read it in place
    const std::int64_t floats = depth_.chunks * rows_.size() * kRowStrideSigned;
    if (!storage_ || storage_.numel() < floats) storage_ = Tensor({floats});
    packed_ = storage_.span<float>().data();
    PackRows(call_.a, rows_, depth_, packed_);
  }

  bool FewRows() const { return call_.a.rows <= static_cast<std::int64_t>(kFewRows); }

  const float* Row(std::int64_t chunk, std::int64_t row) const {
    if (!packed_) return &call_.a.at(rows_.begin, depth_.begin + depth_.chunk(chunk).begin);
    return packed_ + (chunk * rows_.size() + row) * kRowStrideSigned;
  }

  void MultiplyColumns(std::int64_t begin, std::int64_t end) const {
    for (std::int64_t column = begin; column < end;) {
      const bool one = FewRows() || panels_of(end - column) < kTilePanelsSigned;
      const std::int64_t panels = one ? 1 : kTilePanelsSigned;
      for (std::int64_t i = 0; i < depth_.chunks; ++i) MultiplySlice(i, column, panels);
      column += panels * kPanelColumns;
    }
  }

  /// All rows against chunk i of the panels that start at `column`.
  void MultiplySlice(std::int64_t i, std::int64_t column, std::int64_t panels) const {
    const Part chunk = depth_.chunk(i);
    const std::int64_t step = depth_.begin + chunk.begin;
    const bool first = step == 0;
    const std::int64_t panel_stride = call_.b.k * kPanelColumns;
    GemmTile tile;
    tile.b = call_.b.data + column * call_.b.k + step * kPanelColumns;
    tile.panel_stride = static_cast<size_t>(panel_stride);
    tile.depth = static_cast<size_t>(chunk.size());
    tile.row_stride = static_cast<size_t>(call_.c.row_stride);
    tile.columns = static_cast<size_t>(std::min(panels * kPanelColumns, call_.b.n - column));
    tile.bias = first && call_.c.bias ? call_.c.bias + column : nullptr;
    tile.add = !first || call_.c.accumulate;
    // The slice that comes next, if it lies inside the panels.
    const bool last = i + 1 == depth_.chunks;
    const std::int64_t next =
        last ? panels * panel_stride - chunk.begin * kPanelColumns : chunk.size() * kPanelColumns;
    const bool more = !last || column + 2 * panels * kPanelColumns <= call_.b.n;
    const std::int64_t tiles = CeilDiv(rows_.size(), kTileRowsSigned);
    const std::int64_t askers = std::min<std::int64_t>(tiles, 2);
    for (std::int64_t t = 0; t < tiles; ++t) {
      const Part rows(rows_.size(), tiles, t);
      const bool asks = more && t < askers;
      tile.a = Row(i, rows.begin);
      tile.ahead = asks ? tile.b + next + t * chunk.size() / askers * kPanelColumns : tile.b;
      tile.ahead_step = asks ? kPanelFloats / static_cast<size_t>(askers) : 0;
      for (std::int64_t p = 0; p < panels; ++p)
        tile.c[static_cast<size_t>(p)] =
            call_.c.at(rows_.begin + rows.begin, column + p * kPanelColumns);
      const auto count = static_cast<size_t>(rows.size());
      (FewRows() ? FewRowsTileFor(count) : TileFor(count, static_cast<size_t>(panels)))(tile);
    }
  }

  const GemmCall& call_;
  Part rows_;
  Tensor& storage_;
  float* packed_ = nullptr;
  DepthRange depth_{};
};

void RunGemm(const StridedMatrix<const float>& a, const GemmPanels& b, const GemmOutput& c) {
  const GemmCall call{a, b, c};
  const GemmPlan plan(call);
  parallel_for(plan.row_blocks * plan.column_ranges, [&](std::int64_t i) {
    static thread_local Tensor storage;
    const Part units(plan.units, plan.column_ranges, i % plan.column_ranges);
    GemmTask(call, Part(a.rows, plan.row_blocks, i / plan.column_ranges), storage)
        .Run(units.begin * plan.unit, std::min(b.n, units.end * plan.unit), plan.unit);
  });
}

void PackPanelAt(const StridedMatrix<const float>& b, std::int64_t index, float* panels) {
  PackPanel(b, index, panels + index * kPanelColumns * b.rows);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace headlight
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace headlight {
namespace {

/// Floats under which waking threads costs more than they take over.
constexpr std::int64_t kSerialPacking = 1 << 16;

}  // namespace

HWY_EXPORT(RunGemm);
HWY_EXPORT(PackPanelAt);

void pack_panels(const StridedMatrix<const float>& b, float* panels) {
  use_target_from_environment();
  parallel_for(panels_of(b.columns), [&](std::int64_t i) {
    HWY_DYNAMIC_DISPATCH(PackPanelAt)(b, i, panels);
  });
}

void gemm(const StridedMatrix<const float>& a, const GemmPanels& b, const GemmOutput& c) {
  use_target_from_environment();
  if (a.rows > 0 && b.n > 0) HWY_DYNAMIC_DISPATCH(RunGemm)(a, b, c);
}

}  // namespace headlight
#endif  // HWY_ONCE
