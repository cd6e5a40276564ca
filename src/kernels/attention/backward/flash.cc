// Gradients of attention, tiled like the forward kernel: queries along the vector lanes, blocks of
// keys, the pattern of a tile recomputed from lse, O(T) extra memory.
#include "kernels/attention/backward/flash.h"

#include <atomic>
#include <cmath>
#include <cstddef>
#include <vector>

#include "core/threads.h"
#include "kernels/attention/backward/plan.h"
#include "kernels/attention/backward/sums.h"
#include "kernels/attention/flash/tile.h"
#include "kernels/flush_denormals.h"
#include "kernels/target_override.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/attention/backward/flash.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/attention/backward/scores-inl.h"
#include "kernels/attention/backward/tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace headlight {
namespace HWY_NAMESPACE {
namespace {

/// Folds one tile of queries into a block's dK and dV, and the block into the tile's dQ.
template <size_t kVecs>
void AddTile(const BackwardCall& call, const BackwardTile& tile, BackwardScratch& scratch) {
  const D d;
  const AttentionProblem& p = call.flash.problem;
  const AttentionGradients& g = call.gradients;
  const BackwardBlock& block = *scratch.block;
  const auto count = static_cast<std::int64_t>(block.count);
  const std::int64_t from = std::max<std::int64_t>(tile.flash.some.first - block.begin, 0);
  const std::int64_t to = std::min(tile.flash.some.last - block.begin, count);
  if (from >= to) return;
  const auto begin = static_cast<size_t>(from), end = static_cast<size_t>(to);
  const TileScores weights{tile.flash, block.begin, begin, end, scratch.flash.scores};
  const TileScores d_scores{tile.flash, block.begin, begin, end, scratch.d_scores};
  HeadSums& sums = call.sums[tile.flash.head % call.flash.group()];

  ScoresAgain<kVecs>(d, call, tile, weights, d_scores, scratch);
  if (p.dropout.p > 0) {
    const size_t first = begin * tile.flash.width;
    std::fill_n(scratch.kept + first, (end - begin) * tile.flash.width, 1.0f);
    ApplyDropout(p.dropout, dropout_tile(call.flash, d_scores), scratch.kept + first);
    MultiplyBy(d, d_scores, scratch.kept);
  }
  if (tile.flash.gate == 0) {
    sums.gate += ClosedGateSum(d, tile, weights, d_scores);
    return;
  }
  ScoreGradients<kVecs>(d, tile, weights, d_scores);
  if (!g.d_alibi_slopes.empty())
    sums.slope += SlopeSum(d, d_scores, p.position(tile.flash.q_begin));
  if (g.d_bias)
    AddBiasGradient(d, d_scores, Pairs<float>(g.d_bias, call.flash, d_scores), scratch.flash.pairs);
  if (p.softcap > 0) MultiplyBy(d, d_scores, scratch.slopes);
  if (p.dropout.p > 0) MultiplyBy(d, weights, scratch.kept);

  const KeyRun run{begin / kRows * kRows, round_up(end, kRows)};
  RowsAhead& ahead = scratch.flash.ahead;
  AddToKeys<kVecs>(d, {weights.scores, tile.dz_rows, p.head_dim_v}, run, block.d_v, ahead);
  AddToKeys<kVecs>(d, {d_scores.scores, tile.q_rows, p.head_dim}, run, block.d_k, ahead);
  const ValuePanels keys{block.k_by_element + begin * kRows, kValuePanel,
                         static_cast<size_t>(p.head_dim)};
  AddValues<kVecs>(d, keys, end - begin, d_scores.row(begin), scratch.flash.ones, tile.dq_t, ahead);
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

/// One tile against the blocks that are packed; `first`: no key went before them.
void RunTile(const BackwardCall& call, const FlashTile& place, bool first,
             BackwardScratch& scratch) {
  const bool closed = place.gate == 0;
  const bool sees = place.some.first < scratch.blocks.back().end() &&
                    place.some.last > scratch.blocks.front().begin;
  if (first && (closed || !sees)) ClearQueryGradient(call, place);
  // Nothing flows through a closed gate but its own gradient.
  if (!sees || (closed && call.gradients.d_head_gate.empty())) return;
  const BackwardTile tile = PackTile(call, place, scratch);
  for (BackwardBlock& block : scratch.blocks) {
    scratch.block = &block;
    AddTileOfWidth(call, tile, scratch);
  }
  if (!closed) StoreQueryGradient(call, tile, first, scratch);
}

/// Keys of one key/value head; none by default.
struct KeysAhead {
  std::int64_t batch = 0, kv_head = 0;
  AttentionProblem::KeyRange range{0, 0};
};

/// What tile `i` of `tiles` asks for: its dQ, the next tile's rows, and its share of the keys that
/// come after those of the blocks and of where the blocks' gradients go.
void AskAhead(const BackwardCall& call, std::int64_t i, std::int64_t tiles, const KeysAhead& keys,
              BackwardScratch& scratch) {
  const FlashCall& flash = call.flash;
  RowsAhead& ahead = scratch.flash.ahead;
  const auto rows_of_tile = [&](const TensorView& view, const FlashTile& tile) {
    ahead.add(view, flash.batch, tile.head, tile.q_begin,
              tile.q_begin + static_cast<std::int64_t>(tile.rows));
  };
  const auto place = [&](std::int64_t index) {
    return place_tile(flash, index, static_cast<std::int64_t>(BackwardWidth()), hn::Lanes(D()));
  };
  const auto share = [&](const TensorView& view, std::int64_t batch, std::int64_t head,
                         const AttentionProblem::KeyRange& of) {
    const std::int64_t count = of.last - of.first;
    ahead.add(view, batch, head, of.first + count * i / tiles, of.first + count * (i + 1) / tiles);
  };
  ahead.clear();
  rows_of_tile(call.d_q, place(i));
  if (i + 1 < tiles) {
    const FlashTile next = place(i + 1);
    rows_of_tile(flash.tensors.q, next);
    rows_of_tile(call.gradients.d_z, next);
  }
  for (const TensorView* view : {&flash.tensors.k, &flash.tensors.v})
    share(*view, keys.batch, keys.kv_head, keys.range);
  const AttentionProblem::KeyRange blocks{scratch.blocks.front().begin,
                                          scratch.blocks.back().end()};
  for (const MutableTensorView* view : {&call.gradients.d_k, &call.gradients.d_v})
    share(*view, flash.batch, flash.kv_head, blocks);
  // Three products ask at each chunk, two more less often.
  const std::int64_t depth = 2 * flash.problem.head_dim + flash.problem.head_dim_v;
  const std::int64_t asks = (blocks.last - blocks.first) * depth;
  ahead.spread_over(std::max<std::int64_t>(asks / static_cast<std::int64_t>(kRows * kChunk), 1));
}

/// The keys that will be packed after [.., end) of this call.
KeysAhead KeysAfter(const BackwardCall& call, std::int64_t end, std::int64_t last,
                    std::int64_t step) {
  const FlashCall& flash = call.flash;
  if (end < last) return {flash.batch, flash.kv_head, {end, std::min(last, end + step)}};
  if (call.next_batch >= flash.problem.batch) return {};
  return {call.next_batch, call.next_kv_head, {0, std::min(flash.problem.kv_len, step)}};
}

/// Keys [first, last) of one key/value head, as many blocks at a time as stay in L2, against every
/// query tile that may see them.
void RunKeys(const BackwardCall& call, AttentionProblem::KeyRange keys) {
  static thread_local BackwardScratch scratch;
  const FlushDenormals flush;
  const AttentionProblem& p = call.flash.problem;
  const auto width = static_cast<std::int64_t>(BackwardWidth());
  const std::int64_t tiles = call.flash.group() * ((p.q_len + width - 1) / width);
  Reserve(p, scratch);
  const std::int64_t step = BlocksAtOnce(p) * kBlockKeys;
  for (std::int64_t begin = keys.first; begin < keys.last; begin += step) {
    const std::int64_t end = std::min(keys.last, begin + step);
    PackBlocks(call, begin, end, scratch);
    const KeysAhead later = KeysAfter(call, end, keys.last, step);
    for (std::int64_t i = 0; i < tiles; ++i) {
      const FlashTile place = place_tile(call.flash, i, width, hn::Lanes(D()));
      AskAhead(call, i, tiles, later, scratch);
      RunTile(call, place, begin == keys.first, scratch);
    }
    StoreBlocks(call, scratch);
  }
}

/// a . b in double: dP - delta cancels where a row sees few keys.
HWY_INLINE float RowDot(const float* HWY_RESTRICT a, const float* HWY_RESTRICT b, size_t n) {
  const hn::ScalableTag<double> d;
  const hn::Rebind<float, decltype(d)> half;
  const size_t lanes = hn::Lanes(d);
  auto even = hn::Zero(d), odd = even;
  const auto add = [&](auto x, auto y, auto& sum) HWY_ATTR {
    sum = hn::MulAdd(hn::PromoteTo(d, x), hn::PromoteTo(d, y), sum);
  };
  size_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    add(hn::LoadU(half, a + i), hn::LoadU(half, b + i), even);
    add(hn::LoadU(half, a + i + lanes), hn::LoadU(half, b + i + lanes), odd);
  }
  if (i + lanes <= n) {
    add(hn::LoadU(half, a + i), hn::LoadU(half, b + i), even);
    i += lanes;
  }
  if (i < n) add(LoadPartial(half, a + i, n - i), LoadPartial(half, b + i, n - i), odd);
  return static_cast<float>(hn::GetLane(hn::SumOfLanes(d, hn::Add(even, odd))));
}

/// delta of one query of every head: `delta` is the first head's.
void TokenDeltas(const AttentionTensors& t, const AttentionGradients& g, std::int64_t batch,
                 std::int64_t query, float* delta) {
  const float* lse = t.lse.as<float>() + batch * t.lse.stride(0) + query * t.lse.stride(2);
  const float* z = RowsOf(t.z, batch, 0, query).data;
  const float* d_z = RowsOf(g.d_z, batch, 0, query).data;
  const auto n = static_cast<size_t>(t.z.dim(3));
  for (std::int64_t h = 0; h < t.z.dim(2); ++h)
    delta[h * t.z.dim(1)] = lse[h * t.lse.stride(1)] == kMinusInfinity
                                ? 0
                                : RowDot(z + h * t.z.stride(2), d_z + h * g.d_z.stride(2), n);
}

/// d_q += what the runs after the first have.
void AddRuns(const BackwardShared& shared, std::int64_t batch, std::int64_t query) {
  const MutableTensorView& to = shared.d_q[0];
  const auto n = static_cast<size_t>(to.dim(3));
  for (std::int64_t h = 0; h < to.dim(2); ++h) {
    float* sum = RowsOf(to, batch, h, query).data;
    for (size_t run = 1; run < shared.d_q.size(); ++run) {
      const float* more = RowsOf(shared.d_q[run], batch, h, query).data;
      for (size_t e = 0; e < n; ++e) sum[e] += more[e];
    }
  }
}

void RunBackward(const AttentionProblem& p, const AttentionTensors& tensors,
                 const AttentionGradients& gradients) {
  const BackwardPlan plan(p, gradients);
  BackwardShared shared{plan,
                        std::vector<float>(static_cast<size_t>(p.batch * p.n_heads * p.q_len)),
                        std::vector<HeadSums>(plan.sums_at(plan.runs, 0, 0))};
  Tensor others(Shape{plan.runs - 1, p.batch, p.q_len, p.n_heads, p.head_dim});
  const Shape one{p.batch, p.q_len, p.n_heads, p.head_dim};
  shared.d_q = {gradients.d_q};
  for (std::int64_t run = 1; run < plan.runs; ++run)
    shared.d_q.emplace_back(others.span<float>().data() + (run - 1) * one.numel(), one);

  for_each_token(p.batch, p.q_len, [&](std::int64_t batch, std::int64_t query) {
    TokenDeltas(tensors, gradients, batch, query,
                shared.delta.data() + batch * p.n_heads * p.q_len + query);
  });
  parallel_for(plan.units(), [&](std::int64_t unit) {
    plan.for_each_head(unit, [&](std::int64_t run, std::int64_t batch, std::int64_t kv_head) {
      RunKeys({.flash = {p, tensors, batch, kv_head},
               .gradients = gradients,
               .shared = shared,
               .d_q = shared.d_q[static_cast<size_t>(run)],
               .sums = shared.sums.data() + plan.sums_at(run, batch, kv_head),
               .next_batch = (batch * p.n_kv_heads + kv_head + threads()) / p.n_kv_heads,
               .next_kv_head = (kv_head + threads()) % p.n_kv_heads},
              plan.keys_of_run(run));
    });
  });
  if (plan.runs > 1)
    for_each_token(p.batch, p.q_len,
                   [&](std::int64_t batch, std::int64_t query) { AddRuns(shared, batch, query); });
  write_head_sums(p, tensors, gradients, shared);
}

/// 0 * x is NaN for a NaN or an infinite x, and stays in the sum.
bool FiniteRow(const float* x, size_t n) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  constexpr size_t kSums = 4;  // one alone would wait for each step
  V poison[kSums] = {hn::Zero(d), hn::Zero(d), hn::Zero(d), hn::Zero(d)};
  size_t i = 0;
  for (; i + kSums * lanes <= n; i += kSums * lanes)
#pragma GCC unroll 4
    for (size_t c = 0; c < kSums; ++c)
      poison[c] = hn::MulAdd(hn::LoadU(d, x + i + c * lanes), hn::Zero(d), poison[c]);
  for (; i + lanes <= n; i += lanes)
    poison[0] = hn::MulAdd(hn::LoadU(d, x + i), hn::Zero(d), poison[0]);
  if (i < n) poison[0] = hn::MulAdd(LoadPartial(d, x + i, n - i), hn::Zero(d), poison[0]);
  const V all = hn::Add(hn::Add(poison[0], poison[1]), hn::Add(poison[2], poison[3]));
  return hn::AllTrue(d, hn::Eq(all, hn::Zero(d)));
}

bool FiniteToken(TensorView view, std::int64_t batch, std::int64_t position) {
  if (view.stride(2) == view.dim(3))  // the rows of all heads lie side by side
    return FiniteRow(RowsOf(view, batch, 0, position).data,
                     static_cast<size_t>(view.dim(2) * view.dim(3)));
  bool finite = true;
  for (std::int64_t h = 0; h < view.dim(2); ++h)
    finite = finite &&
             FiniteRow(RowsOf(view, batch, h, position).data, static_cast<size_t>(view.dim(3)));
  return finite;
}

std::string_view BackwardIsa() {
  return vector_target_name(HWY_TARGET);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace headlight
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace headlight {

HWY_EXPORT(RunBackward);
HWY_EXPORT(FiniteToken);
HWY_EXPORT(BackwardIsa);

std::string_view attention_backward_flash(const AttentionProblem& problem,
                                          const AttentionTensors& tensors,
                                          const AttentionGradients& gradients) {
  HWY_DYNAMIC_DISPATCH(RunBackward)(problem, tensors, gradients);
  return HWY_DYNAMIC_DISPATCH(BackwardIsa)();
}

bool all_finite(TensorView view) {
  std::atomic<bool> finite = true;
  for_each_token(view.dim(0), view.dim(1), [&](std::int64_t batch, std::int64_t position) {
    if (!HWY_DYNAMIC_DISPATCH(FiniteToken)(view, batch, position)) finite = false;
  });
  return finite;
}

}  // namespace headlight
#endif  // HWY_ONCE
