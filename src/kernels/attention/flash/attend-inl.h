// One tile of queries against one block of keys, and a tile's end.

// Highway toggles HWY_TARGET_TOGGLE per target, which lets this file in once for each of them.
#if defined(HEADLIGHT_ATTENTION_FLASH_ATTEND_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef HEADLIGHT_ATTENTION_FLASH_ATTEND_INL_H
#undef HEADLIGHT_ATTENTION_FLASH_ATTEND_INL_H
#else
#define HEADLIGHT_ATTENTION_FLASH_ATTEND_INL_H
#endif

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <span>
#include <type_traits>

#include "hwy/highway.h"
#include "kernels/attention/flash/adjust-inl.h"
#include "kernels/attention/flash/pack-inl.h"
#include "kernels/attention/flash/product-inl.h"
#include "kernels/attention/flash/softmax-inl.h"
#include "kernels/attention/flash/tile.h"

HWY_BEFORE_NAMESPACE();
namespace headlight {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Calls f with `vecs`, which is 1 to kMost, as a constant.
template <size_t kMost = kTileVecs, class F>
HWY_INLINE void WithVecs(size_t vecs, const F& f) {
  if constexpr (kMost > 1) {
    if (vecs < kMost) return WithVecs<kMost - 1>(vecs, f);
  }
  f(std::integral_constant<size_t, kMost>());
}

/// Keys of a block that end where one more vector of the tile's queries stops seeing: vectors
/// [first_vec, ..) see keys [begin, end). A causal tile ends in a staircase of these.
struct Step {
  size_t first_vec, begin, end;
};

/// The steps of a tile against keys [s.begin, s.end): one, unless positions cut its end. A tile
/// that keeps its weights computes them all.
class Staircase {
 public:
  Staircase(const AttentionProblem& p, const TileScores& s) {
    const size_t lanes = hn::Lanes(D()), vecs = s.tile.width / lanes;
    size_t begin = s.begin;
    for (size_t c = 0; c < vecs; ++c) {
      size_t end = s.end;
      if (s.key(s.end) > s.tile.all.last && c + 1 < vecs && s.tile.kept == nullptr) {
        const auto query = s.tile.q_begin + static_cast<std::int64_t>((c + 1) * lanes) - 1;
        const std::int64_t seen = std::max<std::int64_t>(p.keys_of(query).last - s.block_begin, 0);
        // Whole register tiles; what lies past the last key seen is masked.
        end = std::min(s.end, round_up(static_cast<size_t>(seen), kRows));
      }
      ends_[c] = std::max(end, begin);
      if (ends_[c] > begin) steps_[count_++] = {c, begin, ends_[c]};
      begin = ends_[c];
    }
  }
  std::span<const Step> steps() const { return {steps_, count_}; }
  /// Where the keys end that vector c of queries may see.
  size_t end_of(size_t c) const { return ends_[c]; }

 private:
  Step steps_[kTileVecs] = {};
  size_t ends_[kTileVecs] = {};
  size_t count_ = 0;
};

inline bool NeedsAdjusting(const AttentionProblem& p, const TileScores& s, size_t block_count) {
  const bool positions = s.key(s.begin) < s.tile.all.first || s.key(s.end) > s.tile.all.last;
  const bool whole = s.begin % kRows == 0 && (s.end == block_count || s.end % kRows == 0);
  return positions || !whole || p.softcap > 0 || p.has(Extra::mask) || p.has(Extra::bias) ||
         p.has(Extra::alibi);
}

/// scores = K q^T for one step of a tile that is kWidth vectors wide.
template <size_t kWidth>
HWY_INLINE void ScoreStep(D d, const TileScores& s, const Step& step, size_t head_dim,
                          FlashScratch& scratch) {
  const size_t lane = step.first_vec * hn::Lanes(d);
  const size_t from = step.begin / kRows * kRows;
  WithVecs<kWidth>(kWidth - step.first_vec, [&](auto vecs) HWY_ATTR {
    Scores<vecs(), kWidth>(d, scratch.block->k + from * PackedKey(head_dim), step.end - from,
                           s.tile.q_t + lane, head_dim, s.row(from) + lane, scratch.largest + lane,
                           scratch.ahead);
  });
}

/// z_t = z_t * shrink + V^T weights for one step.
template <size_t kWidth>
HWY_INLINE void ValueStep(D d, const TileScores& s, const Step& step, size_t head_dim_v,
                          const float* shrink, FlashScratch& scratch) {
  const size_t lane = step.first_vec * hn::Lanes(d);
  const ValuePanels v{scratch.block->v + step.begin * kRows, kValuePanel, head_dim_v};
  WithVecs<kWidth>(kWidth - step.first_vec, [&](auto vecs) HWY_ATTR {
    AddValues<vecs(), kWidth>(d, v, step.end - step.begin, s.row(step.begin) + lane, shrink + lane,
                              s.tile.z_t + lane, scratch.ahead);
  });
}

/// z_t += weight * value for the pairs that attend; the others must not meet the value.
inline void AddNonFinite(D d, const FlashBlock& block, const TileScores& weights,
                         const Staircase& stairs) {
  const FlashTile& tile = weights.tile;
  for (const NonFinite& v : block.non_finite) {
    if (v.key < weights.begin || v.key >= weights.end) continue;
    for (size_t c = 0; c < tile.width; c += hn::Lanes(d)) {
      if (v.key >= stairs.end_of(c / hn::Lanes(d))) continue;
      const V w = hn::Load(d, weights.row(v.key) + c);
      float* at = tile.z_t + v.element * tile.width + c;
      const V z = hn::Load(d, at);
      const V more = hn::MulAdd(w, hn::Set(d, v.value), z);
      hn::Store(hn::IfThenElse(hn::Eq(w, hn::Zero(d)), z, more), d, at);
    }
  }
}

/// Folds keys [s.begin, s.end) of a block into the running softmax and output of a tile.
template <size_t kWidth>
void AttendTile(D d, const FlashCall& call, const TileScores& s, FlashScratch& scratch) {
  const AttentionProblem& p = call.problem;
  const FlashBlock& block = *scratch.block;
  const size_t lanes = hn::Lanes(d);
  const Staircase stairs(p, s);
  std::fill_n(scratch.largest, s.tile.width, kMinusInfinity);
  for (const Step& step : stairs.steps())
    ScoreStep<kWidth>(d, s, step, static_cast<size_t>(p.head_dim), scratch);
  if (NeedsAdjusting(p, s, block.count)) AdjustScores(d, call, s, scratch);
  for (size_t c = 0; c < kWidth; ++c) {
    const size_t lane = c * lanes;
    float* scores = s.row(s.begin) + lane;
    const size_t count = stairs.end_of(c) - s.begin;
    RunningSoftmax running{s.tile.max + lane, s.tile.sum + lane, scratch.shrink + lane};
    if (s.tile.kept == nullptr) {
      Weigh(d, scores, kWidth * lanes, count, scratch.largest + lane, running);
    } else {
      running.surprise = s.tile.surprise + lane;
      Weigh<true>(d, scores, kWidth * lanes, count, scratch.largest + lane, running);
    }
  }
  if (s.tile.gate == 0) return;  // only lse or statistics are asked for
  if (p.dropout.p > 0) ApplyDropout(p.dropout, dropout_tile(call, s), s.row(s.begin));
  // The first step shrinks what came before; the vectors it leaves out saw nothing new.
  const float* shrink = scratch.shrink;
  for (const Step& step : stairs.steps()) {
    ValueStep<kWidth>(d, s, step, static_cast<size_t>(p.head_dim_v), shrink, scratch);
    shrink = scratch.ones;
  }
  if (!block.non_finite.empty()) AddNonFinite(d, block, s, stairs);
}

/// A tile against the packed block of keys, by Operands::AttendTile.
template <class Operands>
void AttendBlock(const FlashCall& call, const FlashTile& tile, FlashScratch& scratch) {
  const D d;
  const FlashBlock& block = *scratch.block;
  const auto count = static_cast<std::int64_t>(block.count);
  const std::int64_t from = std::max<std::int64_t>(tile.some.first - block.begin, 0);
  const std::int64_t to = std::min(tile.some.last - block.begin, count);
  if (from >= to) return;
  const auto kept = static_cast<size_t>(block.begin - tile.kept_begin);
  const TileScores s{tile, block.begin, static_cast<size_t>(from), static_cast<size_t>(to),
                     tile.kept ? tile.kept + kept * tile.width : scratch.scores};
  WithVecs(tile.width / hn::Lanes(d),
           [&](auto width) { Operands::template AttendTile<width()>(call, s, scratch); });
  if (tile.kept)
    std::copy_n(tile.max, tile.width,
                tile.kept_max + kept / static_cast<size_t>(kBlockKeys) * tile.width);
}

/// What makes lane i's weights its pattern (1 / divisor), and its log-sum-exp.
struct LaneResult {
  double norm;
  float lse;
};
inline LaneResult FinishLane(const FlashCall& call, const FlashTile& tile, size_t lane) {
  const AttentionTensors& t = call.tensors;
  const auto head = static_cast<size_t>(tile.head);
  const float max = tile.max[lane];
  if (max == kMinusInfinity) return {0.0, kMinusInfinity};
  double shift = max, shrink = 1, sum = tile.sum[lane], divisor = tile.divisor[lane];
  if (!t.sinks.empty()) {
    const double sink = static_cast<double>(t.sinks[head]) * std::numbers::log2e;
    shift = std::max(shift, sink);
    shrink = std::exp2(max - shift);
    sum = sum * shrink + std::exp2(sink - shift);
    divisor = divisor * shrink + std::exp2(sink - shift);
  }
  const double lse = t.lse ? (shift + std::log2(sum)) * std::numbers::ln2 : 0.0;
  return {shrink / divisor, static_cast<float>(lse)};
}

inline void FinishTile(const FlashCall& call, const FlashTile& tile, FlashScratch& scratch) {
  const MutableTensorView& lse = call.tensors.lse;
  if (tile.gate == 0)
    std::fill_n(tile.z_t, tile.width * static_cast<size_t>(call.problem.head_dim_v), 0.0f);
  for (size_t i = 0; i < tile.width; ++i) {
    const LaneResult result = FinishLane(call, tile, i);
    // Switched off, a head gives 0 even where its sum is NaN.
    scratch.shrink[i] = tile.gate == 0 ? 0.0f : static_cast<float>(tile.gate * result.norm);
    if (lse && i < tile.rows)
      lse.as<float>()[call.batch * lse.stride(0) + tile.head * lse.stride(1) +
                      (tile.q_begin + static_cast<std::int64_t>(i)) * lse.stride(2)] = result.lse;
  }
  StoreOutput(call, scratch, scratch.shrink, tile);
}

}  // namespace HWY_NAMESPACE
}  // namespace headlight
HWY_AFTER_NAMESPACE();

#endif  // HEADLIGHT_ATTENTION_FLASH_ATTEND_INL_H
