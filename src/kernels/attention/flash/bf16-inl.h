// The flash kernel's products on pairs of bf16 (VDPBF16PS), which Highway 1.0.3 does not know.
//
// As in fp32, queries lie along the vector lanes and scalars of K or V are broadcast; here a lane
// and a scalar are a pair of bf16, carried as the bits of a float: two neighbouring elements of a
// head for the scores, two neighbouring keys for the values. Sums are fp32. The weights are rounded
// to bf16 for the second product, as FlashAttention does (Dao et al. 2022).

// Highway toggles HWY_TARGET_TOGGLE per target, which lets this file in once for each of them.
#if defined(HEADLIGHT_ATTENTION_FLASH_BF16_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef HEADLIGHT_ATTENTION_FLASH_BF16_INL_H
#undef HEADLIGHT_ATTENTION_FLASH_BF16_INL_H
#else
#define HEADLIGHT_ATTENTION_FLASH_BF16_INL_H
#endif

#include <cstddef>
#include <cstdint>

#include "hwy/highway.h"
#include "kernels/attention/flash/attend-inl.h"
#include "kernels/attention/flash/bf16_pack-inl.h"

// The other targets have no such instruction.
#if HWY_TARGET == HWY_AVX3

/// What every function that uses VDPBF16PS has to be compiled for.
#define HEADLIGHT_BF16_ATTR __attribute__((target(HWY_TARGET_STR ",avx512bf16")))

HWY_BEFORE_NAMESPACE();
namespace headlight {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

HWY_INLINE HEADLIGHT_BF16_ATTR V DotPairs(V a, V b, V sum) {
  return V{_mm512_dpbf16_ps(sum.raw, reinterpret_cast<__m512bh>(a.raw),
                            reinterpret_cast<__m512bh>(b.raw))};
}

/// Lanes of (low[i], high[i]), each rounded to the nearest bf16, to even where two are as near.
HWY_INLINE HEADLIGHT_BF16_ATTR V RoundToPairs(V low, V high) {
  const auto halves = reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(high.raw, low.raw));
  alignas(64) static constexpr std::uint16_t kInterleave[32] = {
      0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
      8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
  return V{_mm512_castsi512_ps(_mm512_permutexvar_epi16(_mm512_load_si512(kInterleave), halves))};
}

/// What WeighPairs knows beyond Weigh: the largest score of each query before it is multiplied by
/// `scale`, and the running sum of the rounded weights.
struct PairSoftmax {
  const float* largest;
  float scale;
  float* divisor;
};

/// acc[r][c] += sum over i < depth of a(r, i) . b[i][c], as Accumulate, but on pairs.
template <size_t kVecs, size_t kWidth, class Operand>
HWY_INLINE HEADLIGHT_BF16_ATTR void AccumulatePairs(D d, const Operand a,
                                                    const float* HWY_RESTRICT b, size_t depth,
                                                    V (&acc)[kRows][kVecs]) {
  const size_t lanes = hn::Lanes(d);
  for (size_t i = 0; i < depth; ++i, b += kWidth * lanes) {
    V right[kVecs];
#pragma GCC unroll 8
    for (size_t c = 0; c < kVecs; ++c) right[c] = hn::Load(d, b + c * lanes);
#pragma GCC unroll 8
    for (size_t r = 0; r < kRows; ++r) {
      const V left = hn::Set(d, a(r, i));
#pragma GCC unroll 8
      for (size_t c = 0; c < kVecs; ++c) acc[r][c] = DotPairs(left, right[c], acc[r][c]);
    }
  }
}

/// scores[j][.] = k_j . q as Scores, not yet scaled. `k` and `q_t` hold `pairs` pairs for each key
/// or query.
template <size_t kVecs, size_t kWidth>
HWY_NOINLINE HEADLIGHT_BF16_ATTR void ScoresOfPairs(D d, const float* HWY_RESTRICT k, size_t count,
                                                    const float* HWY_RESTRICT q_t, size_t pairs,
                                                    float* HWY_RESTRICT scores,
                                                    float* HWY_RESTRICT largest,
                                                    RowsAhead& between) {
  const size_t lanes = hn::Lanes(d);
  const size_t width = kWidth * lanes;
  for (size_t j = 0; j < count; j += kRows, scores += kRows * width) {
    between();
    V acc[kRows][kVecs];
#pragma GCC unroll 8
    for (size_t r = 0; r < kRows; ++r)
#pragma GCC unroll 8
      for (size_t c = 0; c < kVecs; ++c) acc[r][c] = hn::Zero(d);
    for (size_t i = 0; i < pairs; i += kChunk, k += kRows * kChunk)
      AccumulatePairs<kVecs, kWidth>(d, ChunkOperand{k}, q_t + i * width,
                                     HWY_MIN(kChunk, pairs - i), acc);
#pragma GCC unroll 8
    for (size_t c = 0; c < kVecs; ++c) {
      V max = hn::Load(d, largest + c * lanes);
#pragma GCC unroll 8
      for (size_t r = 0; r < kRows; ++r) {
        hn::Store(acc[r][c], d, scores + r * width + c * lanes);
        max = hn::Max(max, acc[r][c]);
      }
      hn::Store(max, d, largest + c * lanes);
    }
  }
}

/// z_t[e][.] = z_t[e][.] * shrink[.] + sum over `pairs` pairs of keys of v . weights, as AddValues.
template <size_t kVecs, size_t kWidth>
HWY_NOINLINE HEADLIGHT_BF16_ATTR void AddPairsOfValues(D d, const ValuePanels& v, size_t pairs,
                                                       const float* HWY_RESTRICT weights,
                                                       const float* HWY_RESTRICT shrink,
                                                       float* HWY_RESTRICT z_t,
                                                       RowsAhead& between) {
  const size_t lanes = hn::Lanes(d);
  const size_t width = kWidth * lanes;
  const float* HWY_RESTRICT panel = v.first;
  for (size_t e = 0; e < v.head_dim_v; e += kRows, panel += v.panel_stride, z_t += kRows * width) {
    between();
    V acc[kRows][kVecs];
#pragma GCC unroll 8
    for (size_t r = 0; r < kRows; ++r)
#pragma GCC unroll 8
      for (size_t c = 0; c < kVecs; ++c)
        acc[r][c] =
            hn::Mul(hn::Load(d, z_t + r * width + c * lanes), hn::Load(d, shrink + c * lanes));
    AccumulatePairs<kVecs, kWidth>(d, PanelOperand{panel}, weights, pairs, acc);
#pragma GCC unroll 8
    for (size_t r = 0; r < kRows; ++r)
#pragma GCC unroll 8
      for (size_t c = 0; c < kVecs; ++c) hn::Store(acc[r][c], d, z_t + r * width + c * lanes);
  }
}

/// As Weigh, for scores that are still to be multiplied by `scale`; the weights of keys 2 i and
/// 2 i + 1 become pairs in row i, in place. A last key without a partner gets 0 beside it. The
/// weights are summed as they are, for lse, and as rounded, to divide by: a row still sums to 1.
HWY_NOINLINE HEADLIGHT_BF16_ATTR inline void WeighPairs(D d, float* scores, size_t width,
                                                        size_t count, const PairSoftmax& own,
                                                        RunningSoftmax running) {
  const V factor = hn::Set(d, kLog2e * own.scale);
  const V old_max = hn::Load(d, running.max);
  const V max = hn::Max(old_max, hn::Mul(hn::Load(d, own.largest), factor));
  // A query that has seen no key yet: subtract 0, since -inf - -inf is NaN.
  const V shift = hn::IfThenZeroElse(hn::Eq(max, hn::Set(d, kMinusInfinity)), max);
  const V shrink = Exp2(d, hn::Sub(old_max, shift));
  const V ones{_mm512_castsi512_ps(_mm512_set1_epi16(0x3F80))};
  V even = hn::Zero(d), odd = hn::Zero(d), rounded = hn::Zero(d);
  for (size_t j = 0; j < count; j += 2) {
    const float* score = scores + j * width;
    const V low = Exp2(d, hn::MulSub(hn::Load(d, score), factor, shift));
    V high = hn::Zero(d);
    if (j + 1 < count) high = Exp2(d, hn::MulSub(hn::Load(d, score + width), factor, shift));
    even = hn::Add(even, low);
    odd = hn::Add(odd, high);
    const V pair = RoundToPairs(low, high);
    rounded = DotPairs(pair, ones, rounded);
    hn::Store(pair, d, scores + j / 2 * width);
  }
  hn::Store(max, d, running.max);
  hn::Store(shrink, d, running.shrink);
  hn::Store(hn::MulAdd(hn::Load(d, running.sum), shrink, hn::Add(even, odd)), d, running.sum);
  hn::Store(hn::MulAdd(hn::Load(d, own.divisor), shrink, rounded), d, own.divisor);
}

/// z_t += weight * value for the pairs that attend; the others must not meet the value.
inline void AddNonFiniteToPairs(D d, const FlashBlock& block, const TileScores& weights,
                                const Staircase& stairs) {
  const FlashTile& tile = weights.tile;
  const hn::RebindToUnsigned<D> du;
  for (const NonFinite& v : block.non_finite) {
    if (v.key < weights.begin || v.key >= weights.end) continue;
    const float* row = weights.row(weights.begin) + (v.key - weights.begin) / 2 * tile.width;
    for (size_t c = 0; c < tile.width; c += hn::Lanes(d)) {
      if (v.key >= stairs.end_of(c / hn::Lanes(d))) continue;
      const auto pair = hn::BitCast(du, hn::Load(d, row + c));
      const auto half =
          v.key % 2 == 0 ? hn::ShiftLeft<16>(pair) : hn::And(pair, hn::Set(du, 0xFFFF0000u));
      const V w = hn::BitCast(d, half);
      float* at = tile.z_t + v.element * tile.width + c;
      const V z = hn::Load(d, at);
      const V more = hn::MulAdd(w, hn::Set(d, v.value), z);
      hn::Store(hn::IfThenElse(hn::Eq(w, hn::Zero(d)), z, more), d, at);
    }
  }
}

/// Folds keys [s.begin, s.end) of a block into the running softmax and output of a tile.
template <size_t kWidth>
void AttendPairs(D d, const FlashCall& call, TileScores s, FlashScratch& scratch) {
  const AttentionProblem& p = call.problem;
  const FlashBlock& block = *scratch.block;
  const size_t lanes = hn::Lanes(d), pairs = PairsIn(static_cast<size_t>(p.head_dim));
  const size_t aligned = s.begin / kRows * kRows;
  std::fill_n(scratch.largest, s.tile.width, kMinusInfinity);
  const Staircase stairs(p, {s.tile, s.block_begin, aligned, s.end, s.scores});
  for (const Step& step : stairs.steps())
    WithVecs<kWidth>(kWidth - step.first_vec, [&](auto vecs) HWY_ATTR {
      const size_t lane = step.first_vec * lanes;
      ScoresOfPairs<vecs(), kWidth>(d, block.k + step.begin * round_up(pairs, kChunk),
                                    step.end - step.begin, s.tile.q_t + lane, pairs,
                                    s.row(step.begin) + lane, scratch.largest + lane,
                                    scratch.ahead);
    });
  float scale = p.scale;
  // The largest score is not the largest once a factor turns the order around.
  if (!(scale > 0) || NeedsAdjusting(p, s, block.count)) {
    ForEachVector(d, s,
                  [&](V x, size_t, size_t) HWY_ATTR { return hn::Mul(x, hn::Set(d, scale)); });
    scale = 1;
    AdjustScores(d, call, s, scratch);
    std::fill(s.row(aligned), s.row(s.begin), kMinusInfinity);
    s.begin = aligned;
  }
  for (size_t c = 0; c < kWidth; ++c) {
    const size_t lane = c * lanes;
    WeighPairs(d, s.row(s.begin) + lane, kWidth * lanes, stairs.end_of(c) - s.begin,
               {scratch.largest + lane, scale, s.tile.divisor + lane},
               {s.tile.max + lane, s.tile.sum + lane, scratch.shrink + lane});
  }
  if (s.tile.gate == 0) return;  // only lse is asked for
  // The first step shrinks what came before; the vectors it leaves out saw nothing new.
  const float* shrink = scratch.shrink;
  for (const Step& step : stairs.steps()) {
    WithVecs<kWidth>(kWidth - step.first_vec, [&](auto vecs) HWY_ATTR {
      const size_t lane = step.first_vec * lanes;
      const ValuePanels v{block.v + step.begin / 2 * kRows, kPairPanel,
                          static_cast<size_t>(p.head_dim_v)};
      AddPairsOfValues<vecs(), kWidth>(
          d, v, PairsIn(step.end - step.begin),
          s.row(s.begin) + PairsIn(step.begin - s.begin) * s.tile.width + lane, shrink + lane,
          s.tile.z_t + lane, scratch.ahead);
    });
    shrink = scratch.ones;
  }
  if (!block.non_finite.empty()) AddNonFiniteToPairs(d, block, s, stairs);
}

}  // namespace HWY_NAMESPACE
}  // namespace headlight
HWY_AFTER_NAMESPACE();

#endif  // HWY_TARGET == HWY_AVX3
#endif  // HEADLIGHT_ATTENTION_FLASH_BF16_INL_H
