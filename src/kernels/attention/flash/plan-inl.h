// How one call of the flash kernel is cut up, and a thread's working memory for it.

// Highway toggles HWY_TARGET_TOGGLE per target, which lets this file in once for each of them.
#if defined(HEADLIGHT_ATTENTION_FLASH_PLAN_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef HEADLIGHT_ATTENTION_FLASH_PLAN_INL_H
#undef HEADLIGHT_ATTENTION_FLASH_PLAN_INL_H
#else
#define HEADLIGHT_ATTENTION_FLASH_PLAN_INL_H
#endif

#include <algorithm>
#include <cstddef>

#include "core/caches.h"
#include "core/threads.h"
#include "hwy/highway.h"
#include "kernels/attention/flash/pack-inl.h"
#include "kernels/attention/flash/product-inl.h"
#include "kernels/attention/flash/statistics.h"
#include "kernels/attention/flash/tile.h"

HWY_BEFORE_NAMESPACE();
namespace headlight {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Two spans take a little more than half of L2 (of 1 MiB: 512 keys of head_dim 64 each), the rest
/// is for what passes by. What is larger than a few MiB belongs to several cores.
inline std::int64_t SpanBytes() {
  return std::clamp<std::int64_t>(l2_bytes(), 256 << 10, 4 << 20) * 9 / 32;
}
/// What the tiles of a unit carry from span to span, in L3: each tile's part is read in order and
/// soon done with, while more tiles of a unit pack K and V less often.
constexpr std::int64_t kStateBytes = 2560 << 10;
/// Inputs and outputs of a call that are likely still in L2.
constexpr std::int64_t kResidentBytes = 1 << 20;
/// What the tiles of a unit may keep for statistics: it is written and read once, so few tiles,
/// which pack K and V more often, cost less than memory does.
constexpr std::int64_t kKeptBytes = 2 << 20;

inline size_t TileWidth() {
  return kTileVecs * hn::Lanes(D());
}

/// How one call is cut up: keys into spans of blocks, tiles of queries into units.
struct FlashPlan {
  FlashPlan(const AttentionProblem& p, const AttentionTensors& t, const FlashStatistics* s)
      : problem(p), tensors(t), statistics(s) {
    const auto head_dim = static_cast<size_t>(p.head_dim);
    const auto head_dim_v = round_up(static_cast<size_t>(p.head_dim_v), kRows);
    key_floats = (static_cast<size_t>(kBlockKeys) + kRows) * PackedKey(head_dim);
    value_floats = head_dim_v / kRows * kValuePanel;
    tile_floats = TileWidth() * (head_dim + head_dim_v + 4);
    if (statistics) {
      const auto blocks = static_cast<size_t>((p.kv_len + kBlockKeys - 1) / kBlockKeys);
      kept_rows = blocks * static_cast<size_t>(kBlockKeys) + kRows;
      kept_floats = TileWidth() * (kept_rows + blocks);
    }
    // Whatever kv_len is, so that a cache that grows does not make working memory grow.
    span_blocks = std::max<std::int64_t>(
        SpanBytes() / static_cast<std::int64_t>((key_floats + value_floats) * sizeof(float)), 1);
    const auto width = static_cast<std::int64_t>(TileWidth());
    tiles = p.n_heads / p.n_kv_heads * ((p.q_len + width - 1) / width);
    asks_ahead = (t.q.numel() + t.k.numel() + t.v.numel() + t.z.numel()) *
                     static_cast<std::int64_t>(size_of(t.q.dtype())) >
                 kResidentBytes;
    if (tiles > 0) divide_tiles();
  }

  std::int64_t span_keys() const { return span_blocks * kBlockKeys; }
  std::int64_t units() const { return units_per_head * problem.batch * problem.n_kv_heads; }

  const AttentionProblem& problem;
  const AttentionTensors& tensors;
  size_t key_floats, value_floats;  ///< of a packed block
  const FlashStatistics* statistics;
  size_t tile_floats;                     ///< of a tile's arrays
  size_t kept_rows = 0, kept_floats = 0;  ///< of a tile that statistics are asked of
  std::int64_t span_blocks;
  std::int64_t tiles;  ///< of one key/value head
  std::int64_t tiles_per_unit = 0, units_per_head = 0;
  std::int64_t states = 1;  ///< tiles whose arrays exist at once
  bool asks_ahead;          ///< inputs and outputs likely do not lie in L2 already

 private:
  /// A unit has as many tiles as share one packing of K and V within kStateBytes, but there are
  /// enough units to keep every thread busy to the end.
  void divide_tiles() {
    const bool carries = problem.kv_len > span_keys();
    std::int64_t most = tiles;
    if (carries) {
      const auto bytes = [](size_t floats) {
        return static_cast<std::int64_t>(floats * sizeof(float));
      };
      most = std::min(most, kStateBytes / bytes(tile_floats));
      if (statistics) most = std::min(most, kKeptBytes / bytes(kept_floats));
    }
    constexpr std::int64_t kUnitsPerThread = 4;
    if (threads() > 1)
      most = std::min(most,
                      tiles * problem.batch * problem.n_kv_heads / (kUnitsPerThread * threads()));
    most = std::max<std::int64_t>(most, 1);
    units_per_head = (tiles + most - 1) / most;
    tiles_per_unit = (tiles + units_per_head - 1) / units_per_head;
    units_per_head = (tiles + tiles_per_unit - 1) / tiles_per_unit;
    if (carries) states = tiles_per_unit;
  }
};

/// Lays the thread's working memory out.
inline void Reserve(const FlashPlan& plan, FlashScratch& scratch) {
  const AttentionProblem& p = plan.problem;
  const size_t width = TileWidth();
  const size_t keys = static_cast<size_t>(kBlockKeys) + kRows;
  const auto longest = static_cast<size_t>(std::max(p.head_dim, p.head_dim_v));
  scratch.state_stride = plan.states > 1 ? plan.tile_floats : 0;
  scratch.kept_stride = plan.states > 1 ? plan.kept_floats : 0;
  auto& parts = scratch.parts;
  parts = {
      {&scratch.scores, keys * width},
      {&scratch.pairs, keys * width},
      {&scratch.largest, width},
      {&scratch.shrink, width},
      {&scratch.ones, width},
      {&scratch.rows, std::max(width, kRows) * longest},
      {&scratch.state, static_cast<size_t>(plan.states) * plan.tile_floats},
      {&scratch.kept, static_cast<size_t>(plan.states) * plan.kept_floats},
  };
  for (PackedSpan& packed : scratch.spans) {
    const auto blocks = static_cast<size_t>(plan.span_blocks);
    packed.span = {};
    packed.blocks.resize(std::max(packed.blocks.size(), blocks));
    for (size_t i = 0; i < blocks; ++i) {
      parts.push_back({&packed.blocks[i].k, plan.key_floats});
      parts.push_back({&packed.blocks[i].v, plan.value_floats});
    }
  }
  lay_out(parts, scratch.storage);
  std::fill_n(scratch.ones, width, 1.0f);
}

}  // namespace HWY_NAMESPACE
}  // namespace headlight
HWY_AFTER_NAMESPACE();

#endif  // HEADLIGHT_ATTENTION_FLASH_PLAN_INL_H
