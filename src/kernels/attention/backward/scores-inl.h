// The pattern of a tile and a block again from lse, the gradient of its scores, and the sums that
// come straight from that: of a bias, of ALiBi's slopes, of a closed gate.

// Highway toggles HWY_TARGET_TOGGLE per target, which lets this file in once for each of them.
#if defined(HEADLIGHT_ATTENTION_BACKWARD_SCORES_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef HEADLIGHT_ATTENTION_BACKWARD_SCORES_INL_H
#undef HEADLIGHT_ATTENTION_BACKWARD_SCORES_INL_H
#else
#define HEADLIGHT_ATTENTION_BACKWARD_SCORES_INL_H
#endif

#include <cstddef>

#include "hwy/highway.h"
#include "kernels/attention/backward/tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace headlight {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// d capped / d score = 1 - tanh^2(score / cap), before the scores are capped.
inline void SoftcapSlopes(D d, const TileScores& s, float cap, float* HWY_RESTRICT slopes) {
  const V inverse = hn::Set(d, 1.0f / cap);
  for (size_t j = s.begin; j < s.end; ++j)
    for (size_t c = 0; c < s.tile.width; c += hn::Lanes(d)) {
      const V t = Tanh(d, hn::Mul(hn::Load(d, s.row(j) + c), inverse));
      hn::Store(hn::NegMulAdd(t, t, hn::Set(d, 1.0f)), d, slopes + j * s.tile.width + c);
    }
}

inline bool MustAdjust(const AttentionProblem& p, const TileScores& s) {
  return p.softcap > 0 || p.has(Extra::mask) || p.has(Extra::bias) || p.has(Extra::alibi) ||
         s.key(s.begin) < s.tile.all.first || s.key(s.end) > s.tile.all.last;
}

/// Scores, adjusted, and dP into the two arrays.
template <size_t kVecs>
void ScoresAgain(D d, const BackwardCall& call, const BackwardTile& tile, const TileScores& scores,
                 const TileScores& d_pattern, BackwardScratch& scratch) {
  const AttentionProblem& p = call.flash.problem;
  const BackwardBlock& block = *scratch.block;
  const size_t aligned = scores.begin / kRows * kRows;
  const auto head_dim = static_cast<size_t>(p.head_dim);
  const auto head_dim_v = static_cast<size_t>(p.head_dim_v);
  constexpr bool kLargest = false;  // lse takes their place
  Scores<kVecs, kVecs, kLargest>(d, block.k_by_key + aligned * PackedKey(head_dim),
                                 scores.end - aligned, tile.flash.q_t, head_dim,
                                 scores.row(aligned), nullptr, scratch.flash.ahead);
  Scores<kVecs, kVecs, kLargest>(d, block.v_by_key + aligned * PackedKey(head_dim_v),
                                 scores.end - aligned, tile.dz_t, head_dim_v,
                                 d_pattern.row(aligned), nullptr, scratch.flash.ahead);
  if (p.softcap > 0) SoftcapSlopes(d, scores, p.softcap, scratch.slopes);
  if (MustAdjust(p, scores)) AdjustScores(d, call.flash, scores, scratch.flash);
}

HWY_INLINE V WeightOf(D d, V score, V lse2) {
  return Exp2(d, hn::MulSub(score, hn::Set(d, kLog2e), lse2));
}

/// The pattern into `weights`, which holds scores; dS = P (dP - delta) into `d_scores`, which holds
/// dP. Rows of keys that only fill up a register tile become zero in both.
template <size_t kVecs>
void ScoreGradients(D d, const BackwardTile& tile, const TileScores& weights,
                    const TileScores& d_scores) {
  const size_t lanes = hn::Lanes(d);
  V lse2[kVecs], delta[kVecs];
  for (size_t c = 0; c < kVecs; ++c) {
    lse2[c] = hn::Load(d, tile.lse2 + c * lanes);
    delta[c] = hn::Load(d, tile.delta + c * lanes);
  }
  for (size_t j = weights.begin; j < weights.end; ++j)
#pragma GCC unroll 8
    for (size_t c = 0; c < kVecs; ++c) {
      float* HWY_RESTRICT w_at = weights.row(j) + c * lanes;
      float* HWY_RESTRICT ds_at = d_scores.row(j) + c * lanes;
      const V w = WeightOf(d, hn::Load(d, w_at), lse2[c]);
      hn::Store(w, d, w_at);
      hn::Store(hn::Mul(w, hn::Sub(hn::Load(d, ds_at), delta[c])), d, ds_at);
    }
  const size_t aligned = weights.begin / kRows * kRows, end = round_up(weights.end, kRows);
  for (const TileScores* s : {&weights, &d_scores}) {
    std::fill(s->row(aligned), s->row(s->begin), 0.0f);
    std::fill(s->row(s->end), s->row(end), 0.0f);
  }
}

/// Each pair times its factor: through the softcap, or through dropout.
inline void MultiplyBy(D d, const TileScores& s, const float* HWY_RESTRICT factors) {
  ForEachVector(d, s, [&](V x, size_t j, size_t c) HWY_ATTR {
    return hn::Mul(x, hn::Load(d, factors + j * s.tile.width + c));
  });
}

/// sum of P dP: the gradient of a gate that is closed.
inline double ClosedGateSum(D d, const BackwardTile& tile, const TileScores& scores,
                            const TileScores& d_pattern) {
  V sum = hn::Zero(d);
  for (size_t j = scores.begin; j < scores.end; ++j)
    for (size_t c = 0; c < scores.tile.width; c += hn::Lanes(d)) {
      const V w = WeightOf(d, hn::Load(d, scores.row(j) + c), hn::Load(d, tile.lse2 + c));
      sum = hn::MulAdd(w, hn::Load(d, d_pattern.row(j) + c), sum);
    }
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

/// sum of dS * (key - position of the query).
inline double SlopeSum(D d, const TileScores& d_scores, std::int64_t first_position) {
  V sum = hn::Zero(d);
  for (size_t j = d_scores.begin; j < d_scores.end; ++j)
    for (size_t c = 0; c < d_scores.tile.width; c += hn::Lanes(d)) {
      const auto distance =
          static_cast<float>(d_scores.key(j) - first_position - static_cast<std::int64_t>(c));
      const V distances = hn::Sub(hn::Set(d, distance), hn::Iota(d, 0));
      sum = hn::MulAdd(hn::Load(d, d_scores.row(j) + c), distances, sum);
    }
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

/// bias[i] += the sum of row i of the scores, i stepping over memory.
inline void AddRowSums(D d, const TileScores& d_scores, float* to, std::int64_t step) {
  for (size_t c = 0; c < d_scores.tile.width; c += hn::Lanes(d)) {
    V sum = hn::Zero(d);
    for (size_t j = d_scores.begin; j < d_scores.end; ++j)
      sum = hn::Add(sum, hn::Load(d, d_scores.row(j) + c));
    HWY_ALIGN float lanes[hn::MaxLanes(D())];
    hn::Store(sum, d, lanes);
    for (size_t i = 0; i < hn::Lanes(d) && c + i < d_scores.tile.rows; ++i)
      to[static_cast<std::int64_t>(c + i) * step] += lanes[i];
  }
}

/// bias[j] += the sum over queries.
inline void AddKeySums(D d, const TileScores& d_scores, const Pairs<float>& to) {
  for (size_t j = d_scores.begin; j < d_scores.end; ++j) {
    V sum = hn::Zero(d);
    for (size_t c = 0; c < d_scores.tile.width; c += hn::Lanes(d))
      sum = hn::Add(sum, hn::Load(d, d_scores.row(j) + c));
    *to.at(0, j) += hn::GetLane(hn::SumOfLanes(d, sum));
  }
}

/// d_bias += dS, summed over the extents in which the bias repeats. `pairs`: room for a tile.
inline void AddBiasGradient(D d, const TileScores& d_scores, const Pairs<float>& to, float* pairs) {
  if (to.key_stride == 0) return AddRowSums(d, d_scores, to.data, to.query_stride);
  if (to.query_stride == 0) return AddKeySums(d, d_scores, to);
  const size_t keys = d_scores.end - d_scores.begin;
  const Matrix<float> by_query{pairs, kBlockKeys};
  Transpose({d_scores.row(d_scores.begin), static_cast<std::int64_t>(d_scores.tile.width)}, keys,
            d_scores.tile.rows, by_query);
  for (size_t i = 0; i < d_scores.tile.rows; ++i) {
    float* HWY_RESTRICT row = to.at(i, d_scores.begin);
    const float* HWY_RESTRICT more = by_query.row(i);
    for (size_t j = 0; j < keys; ++j) row[j] += more[j];
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace headlight
HWY_AFTER_NAMESPACE();

#endif  // HEADLIGHT_ATTENTION_BACKWARD_SCORES_INL_H
