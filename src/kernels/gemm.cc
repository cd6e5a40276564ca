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
/// Floats of a panel's slice after widening.
constexpr std::int64_t kWidePanel = kRowStrideSigned * kPanelColumns;
/// Rows that are worth a task of their own; with fewer, threads share columns instead.
constexpr std::int64_t kRowsWorthATask = 8 * kTileRowsSigned;
/// Work under which waking threads costs more than they take over: about 50 microseconds.
constexpr double kSerialWork = 1.2e7;
/// Multiplications and additions that take as long as a byte from memory.
constexpr double kFlopsPerByte = 6;

std::int64_t CeilDiv(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

struct GemmCall {
  const StridedMatrix<const float>& a;
  const GemmPanels& b;
  const GemmOutput& c;

  /// Multiplications and additions, and what reading the panels takes in their place.
  double work() const {
    const double bytes =
        static_cast<double>(panels_of(b.n)) * static_cast<double>(panel_bytes(b.dtype, b.k));
    const double flops =
        2.0 * static_cast<double>(a.rows) * static_cast<double>(b.k) * static_cast<double>(b.n);
    return flops + kFlopsPerByte * bytes;
  }
};

/// How a call is cut into tasks: row blocks x column ranges. A range is whole units, which are
/// whole tiles and whole finish_widths.
struct GemmPlan {
  std::int64_t row_blocks, column_ranges, unit, units;

  explicit GemmPlan(const GemmCall& call)
      : row_blocks(CeilDiv(call.a.rows, RowsOfBlock(call.b))),
        column_ranges(1),
        unit(std::lcm(call.c.finish_width, kTilePanelsSigned * kPanelColumns)) {
    units = CeilDiv(call.b.n, unit);
    if (threads() == 1 || call.work() < kSerialWork) return;
    const std::int64_t tasks = 2 * threads();
    row_blocks = std::max(row_blocks, std::min(tasks, call.a.rows / kRowsWorthATask));
    column_ranges = std::min(units, CeilDiv(tasks, row_blocks));
  }
  /// Widening a slice pays off over twice the rows.
  static std::int64_t RowsOfBlock(const GemmPanels& b) {
    const std::int64_t floats = b.dtype == DType::f32 ? kBlockFloats : 2 * kBlockFloats;
    return floats / std::clamp(b.k, static_cast<std::int64_t>(kDepth), kSuperDepth);
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
      const Part part = DepthRange::EvenPart(call_.b.k, supers, s);
      depth_ = DepthRange(part.begin, part.end);
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
  /// Few rows read 16-bit panels as they are; for more, every slice is widened once.
  bool FewRows() const {
    const size_t few = call_.b.dtype == DType::f32 ? kFewRows : 2 * kHalfRows;
    return call_.a.rows <= static_cast<std::int64_t>(few);
  }
  bool Widens() const { return call_.b.dtype != DType::f32 && !FewRows(); }

  void Pack() {
    const bool in_place = rows_.size() == 1 && call_.a.column_stride == 1;
    const std::int64_t row_floats = in_place ? 0 : depth_.chunks * rows_.size() * kRowStrideSigned;
    const std::int64_t floats = row_floats + (Widens() ? kTilePanelsSigned * kWidePanel : 0);
    if (floats > 0 && (!storage_ || storage_.numel() < floats)) storage_ = Tensor({floats});
    packed_ = in_place ? nullptr : storage_.span<float>().data();
    widened_ = Widens() ? storage_.span<float>().data() + row_floats : nullptr;
    if (!in_place) PackRows(call_.a, rows_, depth_, packed_);
  }

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
    const bool first = depth_.begin + chunk.begin == 0, half = call_.b.dtype != DType::f32;
    GemmTile tile;
    tile.depth = static_cast<size_t>(chunk.size());
    tile.row_stride = static_cast<size_t>(call_.c.row_stride);
    tile.columns = static_cast<size_t>(std::min(panels * kPanelColumns, call_.b.n - column));
    tile.bias = first && call_.c.bias ? call_.c.bias + column : nullptr;
    tile.add = !first || call_.c.accumulate;
    const float* next = PlaceSlice(i, column / kPanelColumns, panels, tile);
    const auto most = FewRows() && half ? kHalfRows : kTileRows;
    const std::int64_t tiles = CeilDiv(rows_.size(), static_cast<std::int64_t>(most));
    const std::int64_t askers = half ? 1 : std::min<std::int64_t>(tiles, 2);
    for (std::int64_t t = 0; t < tiles; ++t) {
      const Part rows(rows_.size(), tiles, t);
      const bool asks = next && t < askers;
      tile.a = Row(i, rows.begin);
      tile.ahead = asks ? next + t * chunk.size() / askers * kPanelColumns
                        : static_cast<const float*>(tile.b);
      tile.ahead_step = asks ? kPanelFloats / (half ? 2 : static_cast<size_t>(askers)) : 0;
      for (std::int64_t p = 0; p < panels; ++p)
        tile.c[static_cast<size_t>(p)] =
            call_.c.at(rows_.begin + rows.begin, column + p * kPanelColumns);
      const auto count = static_cast<size_t>(rows.size());
      (FewRows() ? FewRowsTileFor(count, call_.b.dtype)
                 : TileFor(count, static_cast<size_t>(panels)))(tile);
    }
  }

  /// Points the tile at chunk i of panels [panel, panel + panels). Returns the slice that comes
  /// next in memory, or null when there is none to ask for.
  const float* PlaceSlice(std::int64_t i, std::int64_t panel, std::int64_t panels,
                          GemmTile& tile) const {
    const GemmPanels& b = call_.b;
    const Part chunk = depth_.chunk(i);
    tile.b = b.at(panel, depth_.begin + chunk.begin);
    tile.panel_stride = static_cast<size_t>(b.k * kPanelColumns);
    if (Widens()) {
      for (std::int64_t p = 0; p < panels; ++p) {
        const void* from = b.at(panel + p, depth_.begin + chunk.begin);
        float* to = widened_ + p * kWidePanel;
        if (b.dtype == DType::f16)
          WidenSteps(Float16Panel{static_cast<const hwy::float16_t*>(from)}, chunk.size(), to);
        else
          WidenSteps(BFloat16Panel{static_cast<const std::uint32_t*>(from)}, chunk.size(), to);
      }
      tile.b = widened_;
      tile.panel_stride = static_cast<size_t>(kWidePanel);
    }
    tile.ahead_stride = static_cast<size_t>(panel_bytes(b.dtype, b.k)) / sizeof(float);
    const bool last = i + 1 == depth_.chunks;
    if (last && panel + 2 * panels > b.n / kPanelColumns) return nullptr;
    const std::byte* next =
        last ? b.at(panel + panels, depth_.begin) : b.at(panel, depth_.begin + chunk.end);
    return reinterpret_cast<const float*>(next);
  }

  const GemmCall& call_;
  Part rows_;
  Tensor& storage_;
  float* packed_ = nullptr;
  float* widened_ = nullptr;
  DepthRange depth_{0, 0};
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
