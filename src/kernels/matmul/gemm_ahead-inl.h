// What the tiles of a matrix product ask of memory while they compute.

// Highway toggles HWY_TARGET_TOGGLE per target, which lets this file in once for each of them.
#if defined(HEADLIGHT_GEMM_AHEAD_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef HEADLIGHT_GEMM_AHEAD_INL_H
#undef HEADLIGHT_GEMM_AHEAD_INL_H
#else
#define HEADLIGHT_GEMM_AHEAD_INL_H
#endif

#include <algorithm>
#include <cstddef>

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
/// across the lines of memory. Each tile asks for a line or two a step, which is less than memory
/// delivers meanwhile.
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
    has_next_ = next_.panel + next_.panels <= call_.b.n / kPanelColumns || !last;
    askers_ = half() ? 1 : std::min<std::int64_t>(tiles, 2);
    --slices_left_;
  }

  /// Says what tile t is to ask for; by itself it asks for nothing new.
  void Place(std::int64_t t, GemmTile& tile) const {
    tile.ahead = static_cast<const float*>(tile.b);
    tile.ahead_step = 0;
    tile.ahead_stride = 0;
    // A slice that has yet to be packed is asked for twice: what is read, and where it goes.
    const std::int64_t turn = t / askers_ + (packs_ ? 0 : 1);
    if (turn == 0 && has_next_) PlaceSource(t, tile);
    if (turn == 1 && has_next_) PlacePanels(t % askers_, tile);
    if (turn == 2) PlaceRows(tile);
  }

 private:
  bool half() const { return call_.b.dtype != DType::f32; }
  std::int64_t begin_of(std::int64_t chunk) const {
    return depth_.begin + depth_.chunk(chunk).begin;
  }

  /// A part of each packed panel.
  void PlacePanels(std::int64_t t, GemmTile& tile) const {
    const auto* next =
        reinterpret_cast<const float*>(call_.b.at(next_.panel, begin_of(next_.chunk)));
    tile.ahead = next + t * static_cast<std::int64_t>(tile.depth) / askers_ * kPanelColumns;
    tile.ahead_step = kPanelFloats / (half() ? 2 : static_cast<size_t>(askers_));
    tile.ahead_stride = static_cast<size_t>(panel_bytes(call_.b.dtype, call_.b.k)) / sizeof(float);
  }

  /// One panel's columns, a row a step.
  void PlaceSource(std::int64_t t, GemmTile& tile) const {
    const StridedMatrix<const float>& source = *call_.source;
    if (source.column_stride != 1 || t >= next_.panels) return;
    tile.ahead = &source.at(begin_of(next_.chunk), (next_.panel + t) * kPanelColumns);
    tile.ahead_step = static_cast<size_t>(source.row_stride);
  }

  /// The last slices share them out: a chunk of steps and as many lines of each as there are
  /// panels.
  void PlaceRows(GemmTile& tile) const {
    const StridedMatrix<const float>& a = call_.a;
    if (a.column_stride == 1 || depth_.end - depth_.begin < call_.b.k) return;
    const std::int64_t width = kTilePanelsSigned * kPanelColumns;
    const std::int64_t at = slices_left_ / depth_.chunks * width;
    if (at >= next_rows_.size()) return;
    tile.ahead = &a.at(next_rows_.begin + at, begin_of(slices_left_ % depth_.chunks));
    tile.ahead_step = static_cast<size_t>(a.column_stride);
    tile.ahead_stride = kPanelFloats;
  }

  const GemmCall& call_;
  bool packs_;
  Part next_rows_;
  DepthRange depth_{0, 0};
  std::int64_t slices_left_ = 0, askers_ = 1;
  GemmSlice next_{};
  bool has_next_ = false;
};

}  // namespace HWY_NAMESPACE
}  // namespace headlight
HWY_AFTER_NAMESPACE();

#endif  // HEADLIGHT_GEMM_AHEAD_INL_H
