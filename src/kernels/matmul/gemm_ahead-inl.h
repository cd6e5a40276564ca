// What the tiles of a matrix product ask of memory while they compute.

// Highway toggles HWY_TARGET_TOGGLE per target, which lets this file in once for each of them.
#if defined(HEADLIGHT_GEMM_AHEAD_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef HEADLIGHT_GEMM_AHEAD_INL_H
#undef HEADLIGHT_GEMM_AHEAD_INL_H
#else
#define HEADLIGHT_GEMM_AHEAD_INL_H
#endif

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "hwy/highway.h"
#include "kernels/matmul/gemm_pack-inl.h"
#include "kernels/matmul/gemm_plan-inl.h"
#include "kernels/matmul/gemm_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace headlight {
namespace HWY_NAMESPACE {

/// Chunk `chunk` of panels [panel, panel + panels).
struct GemmSlice {
  std::int64_t chunk, panel, panels;
};

/// The next slice of b, packed or not, and the rows of a that the next task packs where those lie
/// across the lines of memory. Each tile asks for a line a step.
class GemmAhead {
 public:
  /// `next_rows`: of the task that the thread will likely run next.
  GemmAhead(const GemmCall& call, bool packs, const Part& next_rows)
      : call_(call), packs_(packs), next_rows_(next_rows) {}

  void BeginDepth(const DepthRange& depth, std::int64_t slices) {
    depth_ = depth;
    slices_left_ = slices;
  }

  /// From now on tiles, of which there are `tiles`, work on `slice`.
  void BeginSlice(const GemmSlice& slice, std::int64_t tiles) {
    const bool last = slice.chunk + 1 == depth_.chunks;
    next_ = last ? GemmSlice{0, slice.panel + slice.panels, slice.panels}
                 : GemmSlice{slice.chunk + 1, slice.panel, slice.panels};
    next_.panels = std::min(next_.panels, panels_of(call_.b.n) - next_.panel);
    begin_of_next_ = begin_of(next_.chunk);
    --slices_left_;
    const std::int64_t left = tiles / slice.panels - (packs_ ? 1 : 0) - (AsksForRows() ? 1 : 0);
    const auto parts = static_cast<std::uint64_t>(std::clamp<std::int64_t>(left, 1, 8));
    parts_log_ = half() || packs_ ? 0 : std::bit_width(parts) - 1;
    // The next steps come from L2, or from farther away where too few tiles ask for the slice.
    panel_ahead_ = kPanelFloats * (tiles < slice.panels ? 32 : 8);
    panels_ = slice.panels;
    panel_ = turn_ = 0;
  }

  /// Says what the next tile is to ask for: by itself, what it has.
  void Place(GemmTile& tile) {
    tile.ahead = static_cast<const float*>(tile.b);
    tile.ahead_step = 0;
    tile.panel_ahead = panel_ahead_;
    // A slice that has yet to be packed is asked for twice: what is read, and where it goes.
    const std::int64_t part = turn_ - (packs_ ? 1 : 0);
    if (part < 0) PlaceSource(tile);
    if (part >= 0 && part < 1 << parts_log_) PlacePanel(part, tile);
    if (part == 1 << parts_log_) PlaceRows(tile);
    if (++panel_ < panels_) return;
    panel_ = 0;
    ++turn_;
  }

 private:
  bool half() const { return call_.b.dtype != DType::f32; }
  std::int64_t begin_of(std::int64_t chunk) const {
    return depth_.begin + depth_.chunk(chunk).begin;
  }
  bool AsksForRows() const {
    return call_.a.column_stride != 1 && depth_.end - depth_.begin == call_.b.k;
  }

  /// One of the parts of a packed panel.
  void PlacePanel(std::int64_t part, GemmTile& tile) const {
    if (panel_ >= next_.panels) return;
    const std::int64_t steps = static_cast<std::int64_t>(tile.depth) * part >> parts_log_;
    tile.ahead = reinterpret_cast<const float*>(call_.b.at(next_.panel + panel_, begin_of_next_)) +
                 steps * kPanelColumns;
    tile.ahead_step = kPanelFloats >> (half() ? 1 : parts_log_);
  }

  /// A panel's columns where they have yet to be packed, a row a step.
  void PlaceSource(GemmTile& tile) const {
    const StridedMatrix<const float>& source = *call_.source;
    if (panel_ >= next_.panels || source.column_stride != 1) return;
    tile.ahead = &source.at(begin_of_next_, (next_.panel + panel_) * kPanelColumns);
    tile.ahead_step = static_cast<size_t>(source.row_stride);
  }

  /// The last slices share them out: a chunk of steps, and a line of each for each panel.
  void PlaceRows(GemmTile& tile) const {
    if (!AsksForRows()) return;
    const std::int64_t row =
        (slices_left_ / depth_.chunks * kTilePanelsSigned + panel_) * kPanelColumns;
    if (row >= next_rows_.size()) return;
    tile.ahead = &call_.a.at(next_rows_.begin + row, begin_of(slices_left_ % depth_.chunks));
    tile.ahead_step = static_cast<size_t>(call_.a.column_stride);
  }

  const GemmCall& call_;
  bool packs_;
  Part next_rows_;
  DepthRange depth_{0, 0};
  std::int64_t slices_left_ = 0, begin_of_next_ = 0;
  std::int64_t panels_ = 1, panel_ = 0, turn_ = 0;  // tiles ask for a panel each, in turns
  int parts_log_ = 0;
  size_t panel_ahead_ = 0;
  GemmSlice next_{};
};

}  // namespace HWY_NAMESPACE
}  // namespace headlight
HWY_AFTER_NAMESPACE();

#endif  // HEADLIGHT_GEMM_AHEAD_INL_H
