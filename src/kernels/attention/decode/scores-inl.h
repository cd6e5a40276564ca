// One row's scores of a run of keys: all that happens to them between the two products.

// Highway toggles HWY_TARGET_TOGGLE per target, which lets this file in once for each of them.
#if defined(HEADLIGHT_ATTENTION_DECODE_SCORES_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef HEADLIGHT_ATTENTION_DECODE_SCORES_INL_H
#undef HEADLIGHT_ATTENTION_DECODE_SCORES_INL_H
#else
#define HEADLIGHT_ATTENTION_DECODE_SCORES_INL_H
#endif

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "hwy/highway.h"
#include "kernels/attention/decode/plan.h"
#include "kernels/attention/flash/softmax-inl.h"
#include "kernels/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace headlight {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// The query and the query head of a row.
struct DecodeRow {
  std::int64_t batch, head, query;
};

/// s[j] = f(s[j], j) for a run's scores, a vector at a time; lanes past the last key are free.
template <class F>
HWY_INLINE void MapScores(D d, float* HWY_RESTRICT s, size_t count, const F& f) {
  for (size_t j = 0; j < count; j += hn::Lanes(d)) hn::Store(f(hn::Load(d, s + j), j), d, s + j);
}

/// count floats, `stride` apart: in place or, if they must be, gathered into `buffer`.
inline const float* SideBySide(const float* from, std::int64_t stride, size_t count,
                               float* buffer) {
  if (stride == 1) return from;
  for (size_t j = 0; j < count; ++j) buffer[j] = from[static_cast<std::int64_t>(j) * stride];
  return buffer;
}

/// Floats j, j + 1 ... of `count` at p, zeros after the last.
HWY_INLINE V LoadUpTo(D d, const float* p, size_t j, size_t count) {
  return j + hn::Lanes(d) <= count ? hn::LoadU(d, p + j) : LoadPartial(d, p + j, count - j);
}

/// The first key of a run in a [B, H, Tq, Tkv] view whose extents may be 1.
template <class T>
struct RowPairs {
  const T* data;
  std::int64_t stride;

  RowPairs(const TensorView& view, const DecodeRow& row, const KeyRun& run) {
    const auto step = [&](size_t i) { return view.dim(i) == 1 ? 0 : view.stride(i); };
    stride = step(3);
    data = static_cast<const T*>(view.data()) + row.batch * step(0) + row.head * step(1) +
           row.query * step(2) + run.begin * stride;
  }
};

inline void AddBiasRow(D d, const RowPairs<float>& bias, size_t count, float* s, float* buffer) {
  const float* b = SideBySide(bias.data, bias.stride, count, buffer);
  const V masked = hn::Set(d, kMinusInfinity);
  MapScores(d, s, count, [&](V x, size_t j) HWY_ATTR {
    const V more = LoadUpTo(d, b, j, count);
    // Chosen, not added: the score may be NaN.
    return hn::IfThenElse(hn::Eq(more, masked), masked, hn::Add(x, more));
  });
}

inline void MaskRow(const RowPairs<std::uint8_t>& mask, size_t count, float* s) {
  if (mask.stride == 1 && std::memchr(mask.data, 0, count) == nullptr) return;
  for (size_t j = 0; j < count; ++j)
    if (mask.data[static_cast<std::int64_t>(j) * mask.stride] == 0) s[j] = kMinusInfinity;
}

/// Masks what causal and window keep from the row.
inline void MaskOutside(AttentionProblem::KeyRange keys, const KeyRun& run, float* s) {
  const auto count = static_cast<std::int64_t>(run.count);
  const auto first = std::clamp<std::int64_t>(keys.first - run.begin, 0, count);
  const auto last = std::clamp<std::int64_t>(keys.last - run.begin, first, count);
  std::fill(s, s + first, kMinusInfinity);
  std::fill(s + last, s + count, kMinusInfinity);
}

/// Scale of the stored keys, softcap, bias, mask, in the order that DESIGN fixes. `buffer` holds
/// kDecodeBlock floats. Returns whether a key may have been masked.
inline bool AdjustRow(D d, const DecodeCall& call, const DecodeRow& row, const KeyRun& run,
                      float* s, float* buffer) {
  const AttentionProblem& p = call.problem;
  const AttentionTensors& t = call.tensors;
  if (run.k_scale) {
    const float* scale = SideBySide(run.k_scale, run.k_scale_stride, run.count, buffer);
    MapScores(d, s, run.count,
              [&](V x, size_t j) HWY_ATTR { return hn::Mul(x, LoadUpTo(d, scale, j, run.count)); });
  }
  if (p.softcap > 0) {
    const V inverse = hn::Set(d, 1 / p.softcap), cap = hn::Set(d, p.softcap);
    MapScores(d, s, run.count,
              [&](V x, size_t) HWY_ATTR { return hn::Mul(Tanh(d, hn::Mul(x, inverse)), cap); });
  }
  if (t.bias) AddBiasRow(d, RowPairs<float>(t.bias, row, run), run.count, s, buffer);
  if (!t.alibi_slopes.empty()) {
    const V slope = hn::Set(d, t.alibi_slopes[static_cast<size_t>(row.head)]);
    const auto first = static_cast<float>(run.begin - call.position(row.batch, row.query));
    MapScores(d, s, run.count, [&](V x, size_t j) HWY_ATTR {
      return hn::MulAdd(slope, hn::Iota(d, first + static_cast<float>(j)), x);
    });
  }
  const AttentionProblem::KeyRange keys = call.keys_of(row.batch, row.query);
  const bool inside =
      keys.first <= run.begin && run.begin + static_cast<std::int64_t>(run.count) <= keys.last;
  if (!inside) MaskOutside(keys, run, s);
  if (t.mask) MaskRow(RowPairs<std::uint8_t>(t.mask, row, run), run.count, s);
  return !inside || t.mask || t.bias;
}

/// Scores become weights 2^(score * log2(e) - shift) under the running maximum, which they may
/// raise; returns what turns sums under the old maximum into sums under the new.
inline float WeighRow(D d, size_t count, float* HWY_RESTRICT s, RowState state) {
  const size_t padded = round_up(count, hn::Lanes(d));
  std::fill(s + count, s + padded, kMinusInfinity);
  V largest = hn::Set(d, kMinusInfinity);
  for (size_t j = 0; j < padded; j += hn::Lanes(d)) largest = hn::Max(largest, hn::Load(d, s + j));
  const float old = state.max();
  const float max = std::max(old, hn::GetLane(hn::MaxOfLanes(d, largest)) * kLog2e);
  // A row that has seen no key yet: subtract 0, since -inf - -inf is NaN.
  const V shift = hn::Set(d, max == kMinusInfinity ? 0.0f : max);
  const V log2e = hn::Set(d, kLog2e);
  V sum = hn::Zero(d);
  for (size_t j = 0; j < padded; j += hn::Lanes(d)) {
    const V weight = Exp2(d, hn::MulSub(hn::Load(d, s + j), log2e, shift));
    hn::Store(weight, d, s + j);
    sum = hn::Add(sum, weight);
  }
  float shrink = old == max ? 1.0f : 0.0f;
  if (old != max && old != kMinusInfinity)
    shrink = hn::GetLane(Exp2(d, hn::Sub(hn::Set(d, old), shift)));
  state.max() = max;
  state.sum() = state.sum() * shrink + hn::GetLane(hn::SumOfLanes(d, sum));
  return shrink;
}

/// Scale of the stored values. A weight of 0 stays 0 whatever its value's scale is.
inline void ScaleWeights(D d, const KeyRun& run, float* w, float* buffer) {
  const float* scale = SideBySide(run.v_scale, run.v_scale_stride, run.count, buffer);
  MapScores(d, w, run.count, [&](V x, size_t j) HWY_ATTR {
    const V scaled = hn::Mul(x, LoadUpTo(d, scale, j, run.count));
    return hn::IfThenZeroElse(hn::Eq(x, hn::Zero(d)), scaled);
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace headlight
HWY_AFTER_NAMESPACE();

#endif  // HEADLIGHT_ATTENTION_DECODE_SCORES_INL_H
