#include "kernels/matmul/gemm.h"

#include <algorithm>
#include <cstddef>

#include "core/tensor.h"
#include "core/threads.h"
#include "kernels/target_override.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/matmul/gemm.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/matmul/gemm_ahead-inl.h"
#include "kernels/matmul/gemm_pack-inl.h"
#include "kernels/matmul/gemm_plan-inl.h"
#include "kernels/matmul/gemm_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace headlight {
namespace HWY_NAMESPACE {
namespace {

/// A block of rows x a range of columns of c, over all of k.
class GemmTask {
 public:
  /// `next_rows`: of the task that this thread will likely run next.
  GemmTask(const GemmCall& call, const Part& rows, const Part& next_rows, Tensor& storage)
      : call_(call),
        rows_(rows),
        tiles_{rows, TilesOfRows()},
        storage_(storage),
        ahead_(call, PacksSlices(), next_rows) {}

  void Run(std::int64_t column_begin, std::int64_t column_end, std::int64_t unit) {
    const std::int64_t supers = CeilDiv(call_.b.k, kSuperDepth);
    for (std::int64_t s = 0; s < supers; ++s) {
      const Part part = DepthRange::EvenPart(call_.b.k, supers, s);
      depth_ = DepthRange(part.begin, part.end);
      Pack();
      ahead_.BeginDepth(depth_, depth_.chunks * SlicesOf(column_end - column_begin));
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
  bool PacksSlices() const { return call_.source && rows_.begin == 0; }

  std::int64_t TilesOfRows() const {
    const bool half = FewRows() && call_.b.dtype != DType::f32;
    return CeilDiv(rows_.size(), static_cast<std::int64_t>(half ? kHalfRows : kTileRows));
  }

  void Pack() {
    const bool in_place = rows_.size() == 1 && call_.a.column_stride == 1;
    const std::int64_t row_floats = in_place ? 0 : depth_.chunks * tiles_.floats();
    const std::int64_t floats = row_floats + (Widens() ? kTilePanelsSigned * kWidePanel : 0);
    if (floats > 0 && (!storage_ || storage_.numel() < floats)) storage_ = Tensor({floats});
    packed_ = in_place ? nullptr : storage_.span<float>().data();
    widened_ = Widens() ? storage_.span<float>().data() + row_floats : nullptr;
    for (std::int64_t i = 0; !in_place && i < depth_.chunks; ++i)
      PackChunk(StepsOf(i), packed_ + i * tiles_.floats());
  }
  void PackChunk(const Steps& steps, float* to) const {
    if (FewRows()) return PackFewRows(call_.a, rows_, steps, to);
    (order() == RowOrder::lines ? PackLines : PackSteps)(call_.a, tiles_, steps, to);
  }
  RowOrder order() const { return call_.a.column_stride == 1 ? RowOrder::lines : RowOrder::steps; }
  /// Of k, in chunk `i`.
  Steps StepsOf(std::int64_t i) const {
    const Part chunk = depth_.chunk(i);
    return {depth_.begin + chunk.begin, depth_.begin + chunk.end};
  }

  /// Where the first row of tile t lies.
  const float* PackedTile(std::int64_t chunk, std::int64_t t) const {
    if (!packed_) return &call_.a.at(rows_.begin, StepsOf(chunk).begin);
    return packed_ + chunk * tiles_.floats() + tiles_.offset(t);
  }

  std::int64_t PanelsOfSlice(std::int64_t columns) const {
    return std::min(panels_of(columns), MostPanels());
  }
  std::int64_t MostPanels() const { return FewRows() ? 1 : kTilePanelsSigned; }
  /// For one chunk of steps.
  std::int64_t SlicesOf(std::int64_t columns) const {
    return CeilDiv(panels_of(columns), MostPanels());
  }

  void MultiplyColumns(std::int64_t begin, std::int64_t end) {
    for (std::int64_t column = begin; column < end;) {
      const std::int64_t panels = PanelsOfSlice(end - column);
      for (std::int64_t i = 0; i < depth_.chunks; ++i)
        MultiplySlice({i, column / kPanelColumns, panels});
      column += panels * kPanelColumns;
    }
  }

  /// All rows against a slice.
  void MultiplySlice(const GemmSlice& slice) {
    const Steps steps = StepsOf(slice.chunk);
    const std::int64_t column = slice.panel * kPanelColumns;
    const bool first = steps.begin == 0;
    GemmTile tile;
    tile.depth = static_cast<size_t>(steps.size());
    tile.row_stride = static_cast<size_t>(call_.c.row_stride);
    tile.columns = static_cast<size_t>(std::min(slice.panels * kPanelColumns, call_.b.n - column));
    tile.bias = first && call_.c.bias ? call_.c.bias + column : nullptr;
    const bool residual = first && call_.c.residual;
    tile.add = residual || !first || call_.c.accumulate;
    tile.from_stride = residual ? static_cast<size_t>(call_.c.residual_stride) : tile.row_stride;
    PlaceSlice(slice, tile);
    ahead_.BeginSlice(slice, tiles_.count);
    for (std::int64_t t = 0; t < tiles_.count; ++t) {
      tile.a = PackedTile(slice.chunk, t);
      ahead_.Place(tile);
      for (std::int64_t p = 0; p < slice.panels; ++p) {
        const std::int64_t row = tiles_.begin(t), at = column + p * kPanelColumns;
        const auto panel = static_cast<size_t>(p);
        tile.c[panel] = call_.c.at(row, at);
        tile.from[panel] =
            residual ? call_.c.residual + row * call_.c.residual_stride + at : tile.c[panel];
      }
      const auto count = static_cast<size_t>(tiles_.size(t));
      (FewRows() ? FewRowsTileFor(count, call_.b.dtype)
                 : TileFor(order(), count, static_cast<size_t>(slice.panels)))(tile);
    }
  }

  /// Points the tile at the slice, packed or widened here where that is due.
  void PlaceSlice(const GemmSlice& slice, GemmTile& tile) const {
    const GemmPanels& b = call_.b;
    const Steps steps = StepsOf(slice.chunk);
    const std::int64_t begin = steps.begin;
    tile.b = b.at(slice.panel, begin);
    tile.panel_stride = static_cast<size_t>(b.k * kPanelColumns);
    for (std::int64_t p = slice.panel; PacksSlices() && p < slice.panel + slice.panels; ++p)
      PackPanel(*call_.source, p, steps, call_.panels + (p * b.k + begin) * kPanelColumns);
    if (!Widens()) return;
    for (std::int64_t p = 0; p < slice.panels; ++p) {
      const void* from = b.at(slice.panel + p, begin);
      float* to = widened_ + p * kWidePanel;
      if (b.dtype == DType::f16)
        WidenSteps(Float16Panel{static_cast<const hwy::float16_t*>(from)}, steps.size(), to);
      else
        WidenSteps(BFloat16Panel{static_cast<const std::uint32_t*>(from)}, steps.size(), to);
    }
    tile.b = widened_;
    tile.panel_stride = static_cast<size_t>(kWidePanel);
  }

  const GemmCall& call_;
  Part rows_;
  RowTiles tiles_;
  Tensor& storage_;
  float* packed_ = nullptr;
  float* widened_ = nullptr;
  DepthRange depth_{0, 0};
  GemmAhead ahead_;
};

void RunTasks(const GemmCall& call) {
  const GemmPlan plan(call);
  const std::int64_t rows = call.a.rows, columns = call.b.n;
  parallel_for(plan.row_blocks * plan.column_ranges, [&](std::int64_t i) {
    static thread_local Tensor storage;
    const std::int64_t block = i % plan.row_blocks;
    const std::int64_t next = std::min(block + threads(), plan.row_blocks);
    const Part next_rows =
        next < plan.row_blocks ? Part(rows, plan.row_blocks, next) : Part(0, 1, 0);
    const Part units(plan.units, plan.column_ranges, i / plan.row_blocks);
    GemmTask(call, Part(rows, plan.row_blocks, block), next_rows, storage)
        .Run(units.begin * plan.unit, std::min(columns, units.end * plan.unit), plan.unit);
  });
}

void RunGemm(const StridedMatrix<const float>& a, const GemmPanels& b, const GemmOutput& c) {
  RunTasks({a, b, c});
}

void PackPanelAt(const StridedMatrix<const float>& b, std::int64_t index, float* panels) {
  PackPanel(b, index, {0, b.rows}, panels + index * kPanelColumns * b.rows);
}

/// Tasks of several threads share all panels, so these are packed beforehand; a single thread packs
/// as it goes.
void RunUnpacked(const StridedMatrix<const float>& a, const StridedMatrix<const float>& b,
                 float* panels, const GemmOutput& c) {
  const GemmPanels packed{panels, b.rows, b.columns};
  if (threads() == 1) return RunTasks({a, packed, c, &b, panels});
  parallel_for(panels_of(b.columns), [&](std::int64_t i) { PackPanelAt(b, i, panels); });
  RunTasks({a, packed, c});
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace headlight
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace headlight {

HWY_EXPORT(RunGemm);
HWY_EXPORT(RunUnpacked);
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

void gemm(const StridedMatrix<const float>& a, const StridedMatrix<const float>& b, float* panels,
          const GemmOutput& c) {
  use_target_from_environment();
  if (a.rows > 0 && b.columns > 0) HWY_DYNAMIC_DISPATCH(RunUnpacked)(a, b, panels, c);
}

}  // namespace headlight
#endif  // HWY_ONCE
