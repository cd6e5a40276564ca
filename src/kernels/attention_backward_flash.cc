// Gradients of attention, tiled like the forward kernel: queries along the vector lanes, blocks of
// keys, the pattern of a tile recomputed from lse, O(T) extra memory.
//
// A unit of work owns a run of keys of one key/value head: its dK and dV are sums over all query
// tiles, in order. dQ of every run goes to memory of its own and the runs are added in order, so
// the result does not depend on which thread did what.
#include "kernels/attention_backward_flash.h"

#include <cmath>
#include <cstddef>
#include <vector>

#include "core/threads.h"
#include "kernels/attention_flash_tile.h"
#include "kernels/flush_denormals.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/attention_backward_flash.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/attention_backward_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace headlight {
namespace HWY_NAMESPACE {
namespace {

/// Recomputes the pattern of a tile and a block into `weights`, and dS' * scale into `d_scores`.
/// Rows of keys that only fill up a register tile are zero in both.
template <size_t kVecs>
void ScoreGradients(const BackwardCall& call, const BackwardTile& tile, const TileScores& weights,
                    const TileScores& d_scores, BackwardScratch& scratch) {
  const D d;
  const AttentionProblem& p = call.flash.problem;
  const size_t aligned = weights.begin / kRows * kRows;
  const size_t end = round_up(weights.end, kRows);
  const auto head_dim = static_cast<size_t>(p.head_dim);
  const auto head_dim_v = static_cast<size_t>(p.head_dim_v);
  const BackwardBlock& block = *scratch.block;
  FlashScratch& flash = scratch.flash;

  Scores<kVecs>(d, block.k_by_key + aligned * PackedKey(head_dim), weights.end - aligned,
                tile.flash.q_t, head_dim, weights.row(aligned), flash.largest);
  Scores<kVecs>(d, block.v_by_key + aligned * PackedKey(head_dim_v), weights.end - aligned,
                tile.dz_t, head_dim_v, d_scores.row(aligned), flash.largest);
  if (p.softcap > 0) SoftcapSlopes(d, weights, p.softcap, scratch.slopes);
  AdjustScores(d, call.flash, weights, flash);
  const V scale = hn::Set(d, p.scale);
  const V gate = hn::Set(d, tile.gate);
  for (size_t j = weights.begin; j < weights.end; ++j)
    for (size_t c = 0; c < kVecs * hn::Lanes(d); c += hn::Lanes(d)) {
      const V x = hn::Sub(hn::Load(d, weights.row(j) + c), hn::Load(d, tile.lse + c));
      const V w = Exp2(d, hn::Mul(x, hn::Set(d, kLog2e)));
      const V dp = hn::Mul(gate, hn::Load(d, d_scores.row(j) + c));
      V ds = hn::Mul(hn::Mul(w, scale), hn::Sub(dp, hn::Load(d, tile.delta + c)));
      if (p.softcap > 0) ds = hn::Mul(ds, hn::Load(d, scratch.slopes + j * tile.flash.width + c));
      hn::Store(w, d, weights.row(j) + c);
      hn::Store(ds, d, d_scores.row(j) + c);
    }
  for (const TileScores* s : {&weights, &d_scores}) {
    std::fill(s->row(aligned), s->row(s->begin), 0.0f);
    std::fill(s->row(s->end), s->row(end), 0.0f);
  }
}

/// Folds one tile of queries into a block's dK and dV, and the block into the tile's dQ.
template <size_t kVecs>
void AddTile(const BackwardCall& call, const BackwardTile& tile, BackwardScratch& scratch) {
  const D d;
  const AttentionProblem& p = call.flash.problem;
  const BackwardBlock& block = *scratch.block;
  const auto count = static_cast<std::int64_t>(block.count);
  const std::int64_t from = std::max<std::int64_t>(tile.flash.some.first - block.begin, 0);
  const std::int64_t to = std::min(tile.flash.some.last - block.begin, count);
  if (from >= to) return;
  const auto begin = static_cast<size_t>(from), end = static_cast<size_t>(to);
  const TileScores weights{tile.flash, block.begin, begin, end, scratch.flash.scores};
  const TileScores d_scores{tile.flash, block.begin, begin, end, scratch.d_scores};
  ScoreGradients<kVecs>(call, tile, weights, d_scores, scratch);

  const size_t aligned = begin / kRows * kRows;
  const KeyRun run{aligned, round_up(end, kRows), tile.flash.width};
  AddToKeys(d, weights.scores, run, tile.dz_rows, static_cast<size_t>(p.head_dim_v), block.d_v);
  AddToKeys(d, d_scores.scores, run, tile.q_rows, static_cast<size_t>(p.head_dim), block.d_k);
  const ValuePanels keys{block.k_by_element + begin * kRows,
                         static_cast<size_t>(kBlockKeys) * kRows, static_cast<size_t>(p.head_dim)};
  AddValues<kVecs>(d, keys, end - begin, d_scores.row(begin), scratch.flash.shrink, tile.dq_t);
}

void AddTileOfWidth(const BackwardCall& call, const BackwardTile& tile, BackwardScratch& scratch) {
  static_assert(kTileVecs == 3);
  switch (tile.flash.width / hn::Lanes(D())) {
    case 1:
      return AddTile<1>(call, tile, scratch);
    case 2:
      return AddTile<2>(call, tile, scratch);
    default:
      return AddTile<3>(call, tile, scratch);
  }
}

/// Keys [first, last) of one key/value head, a few blocks at a time, against every query tile that
/// may see them. `dq`: this run's own dQ, tile after tile, zero at the start.
void RunKeys(const BackwardCall& call, AttentionProblem::KeyRange keys, float* dq) {
  static thread_local BackwardScratch scratch;
  const FlushDenormals flush;
  Reserve(call.flash.problem, scratch);
  const BackwardPlan plan(call.flash.problem);
  for (std::int64_t begin = keys.first; begin < keys.last; begin += kBackwardKeys) {
    const std::int64_t end = std::min(keys.last, begin + kBackwardKeys);
    PackBlocks(call, begin, end, scratch);
    for (std::int64_t i = 0; i < plan.tiles; ++i) {
      const FlashTile place = place_tile(call.flash, i, plan.width, hn::Lanes(D()));
      if (place.some.first >= end || place.some.last <= begin) continue;
      const BackwardTile tile = PackTile(call, place, dq + i * plan.tile_floats, scratch);
      for (BackwardBlock& block : scratch.blocks) {
        scratch.block = &block;
        AddTileOfWidth(call, tile, scratch);
      }
    }
    StoreBlocks(call, scratch);
  }
}

void RunBackward(const AttentionProblem& p, const AttentionTensors& tensors,
                 const AttentionGradients& gradients) {
  const BackwardPlan plan(p);
  const std::int64_t heads = p.batch * p.n_kv_heads;
  const std::int64_t per_head = plan.tiles * plan.tile_floats;
  Tensor dq(Shape{plan.runs, heads, std::max<std::int64_t>(per_head, 1)});
  float* const partial = dq.span<float>().data();
  const auto call_of = [&](std::int64_t head) {
    return BackwardCall{{p, tensors, head / p.n_kv_heads, head % p.n_kv_heads}, gradients};
  };
  parallel_for(plan.runs * heads, [&](std::int64_t unit) {
    const std::int64_t run = unit / heads, head = unit % heads;
    RunKeys(call_of(head), plan.keys_of_run(run), partial + unit * per_head);
  });
  parallel_for(heads * plan.tiles, [&](std::int64_t index) {
    const std::int64_t head = index / plan.tiles, i = index % plan.tiles;
    float* first = partial + head * per_head + i * plan.tile_floats;
    for (std::int64_t run = 1; run < plan.runs; ++run)
      AddTo({first, static_cast<size_t>(plan.tile_floats)}, first + run * heads * per_head);
    StoreQueryGradient(call_of(head),
                       place_tile(call_of(head).flash, i, plan.width, hn::Lanes(D())), first);
  });
}

std::string_view BackwardIsa() {
  return hwy::TargetName(HWY_TARGET);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace headlight
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace headlight {

HWY_EXPORT(RunBackward);
HWY_EXPORT(BackwardIsa);

std::string_view attention_backward_flash(const AttentionProblem& problem,
                                          const AttentionTensors& tensors,
                                          const AttentionGradients& gradients) {
  HWY_DYNAMIC_DISPATCH(RunBackward)(problem, tensors, gradients);
  return HWY_DYNAMIC_DISPATCH(BackwardIsa)();
}

}  // namespace headlight
#endif  // HWY_ONCE
