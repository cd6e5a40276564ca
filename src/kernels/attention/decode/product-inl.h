// The two products of the decode kernel: a few rows against a run of keys, and the weighted sum of
// the run's values. Both read memory in order and once for up to kRowsAtOnce rows.

// Highway toggles HWY_TARGET_TOGGLE per target, which lets this file in once for each of them.
#if defined(HEADLIGHT_ATTENTION_DECODE_PRODUCT_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef HEADLIGHT_ATTENTION_DECODE_PRODUCT_INL_H
#undef HEADLIGHT_ATTENTION_DECODE_PRODUCT_INL_H
#else
#define HEADLIGHT_ATTENTION_DECODE_PRODUCT_INL_H
#endif

#include <algorithm>
#include <cstddef>

#include "hwy/highway.h"
#include "kernels/attention/decode/load-inl.h"
#include "kernels/attention/decode/plan.h"

HWY_BEFORE_NAMESPACE();
namespace headlight {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Keys that share the loads of a query, and rows that share those of a key: 16 accumulators, or 8
/// where there are 16 registers.
constexpr size_t kKeysAtOnce = 4;
#if HWY_TARGET <= HWY_AVX3
constexpr size_t kRowsAtOnce = 4;
#else
constexpr size_t kRowsAtOnce = 2;
#endif

/// A few rows of floats, `stride` apart.
struct Rows {
  float* data;
  size_t stride;
  HWY_INLINE float* operator[](size_t r) const { return data + r * stride; }
};

#if HWY_TARGET == HWY_SCALAR
HWY_INLINE void StoreSums(D, const V (&x)[kKeysAtOnce], float* HWY_RESTRICT to) {
  for (size_t i = 0; i < kKeysAtOnce; ++i) to[i] = hn::GetLane(x[i]);
}
#else
HWY_INLINE hn::Vec<hn::FixedTag<float, 4> > SumOfBlocks(hn::FixedTag<float, 4>,
                                                        hn::Vec<hn::FixedTag<float, 4> > x) {
  return x;
}
template <class Wide>
HWY_INLINE hn::Vec<hn::FixedTag<float, 4> > SumOfBlocks(Wide d, hn::Vec<Wide> x) {
  const hn::Half<Wide> half;
  return SumOfBlocks(half, hn::Add(hn::LowerHalf(half, x), hn::UpperHalf(half, x)));
}
/// to[i] = sum of the lanes of x[i].
HWY_INLINE void StoreSums(D d, const V (&x)[kKeysAtOnce], float* HWY_RESTRICT to) {
  static_assert(kKeysAtOnce == 4);
  const hn::Repartition<double, D> wide;
  const auto pair = [d, wide](V a, V b) HWY_ATTR {
    return hn::BitCast(wide, hn::Add(hn::InterleaveLower(d, a, b), hn::InterleaveUpper(d, a, b)));
  };
  const auto a = pair(x[0], x[1]), b = pair(x[2], x[3]);
  const V sums = hn::Add(hn::BitCast(d, hn::InterleaveLower(wide, a, b)),
                         hn::BitCast(d, hn::InterleaveUpper(wide, a, b)));
  hn::StoreU(SumOfBlocks(d, sums), hn::FixedTag<float, 4>(), to);
}
#endif

/// acc[r][i] += the product of a step of key i with row r.
template <size_t kRows, size_t kVecs>
HWY_INLINE void MultiplyStep(D d, const V (&key)[kKeysAtOnce][kVecs], Rows q, size_t place,
                             V (&acc)[kRows][kKeysAtOnce]) {
#pragma GCC unroll 8
  for (size_t c = 0; c < kVecs; ++c)
#pragma GCC unroll 8
    for (size_t r = 0; r < kRows; ++r) {
      const V x = hn::Load(d, q[r] + place + c * hn::Lanes(d));
#pragma GCC unroll 8
      for (size_t i = 0; i < kKeysAtOnce; ++i) acc[r][i] = hn::MulAdd(x, key[i][c], acc[r][i]);
    }
}

/// scores[r][j] = q_r . k_j for the keys of the run, whose count is rounded up to kKeysAtOnce.
template <class T, size_t kRows>
HWY_NOINLINE void ScoreRun(D d, const KeyRun& run, Rows q, size_t head_dim, Rows scores,
                           Ahead* ahead) {
  const size_t step = StepSize<T>(), whole = head_dim / step * step;
  for (size_t j = 0; j < run.count; j += kKeysAtOnce) {
    const T* k[kKeysAtOnce];
#pragma GCC unroll 8
    for (size_t i = 0; i < kKeysAtOnce; ++i) {
      const auto row = static_cast<std::int64_t>(std::min(j + i, run.count - 1));
      k[i] = reinterpret_cast<const T*>(run.k + row * run.k_stride);
    }
    V acc[kRows][kKeysAtOnce];
#pragma GCC unroll 8
    for (size_t r = 0; r < kRows; ++r)
#pragma GCC unroll 8
      for (size_t i = 0; i < kKeysAtOnce; ++i) acc[r][i] = hn::Zero(d);
    V key[kKeysAtOnce][kStepVecs<T>];
    for (size_t e = 0; e < whole; e += step) {
#pragma GCC unroll 8
      for (size_t i = 0; i < kKeysAtOnce; ++i) {
        LoadStep(d, k[i] + e, key[i]);
        if (ahead) ahead->fetch(e * sizeof(T));
      }
      MultiplyStep(d, key, q, e, acc);
    }
    if (whole < head_dim) {
#pragma GCC unroll 8
      for (size_t i = 0; i < kKeysAtOnce; ++i) LoadSome(d, k[i] + whole, head_dim - whole, key[i]);
      MultiplyStep(d, key, q, whole, acc);
    }
#pragma GCC unroll 8
    for (size_t r = 0; r < kRows; ++r) StoreSums(d, acc[r], scores[r] + j);
  }
}

/// The weights of a run, and what shrinks the sums so far, by row.
struct RunWeights {
  Rows weights;
  const float* shrink;
};

/// z[r][..] = z[r][..] * shrink[r] + sum over j of weights[r][j] * v[j][..], for kSteps steps of
/// elements from `e` on; `some` of them in the last step when it is not whole (kSteps = 1).
template <class T, size_t kRows, size_t kSteps>
HWY_INLINE void AddSteps(D d, const KeyRun& run, const RunWeights& w, Rows z, size_t e, size_t some,
                         Ahead* ahead) {
  constexpr size_t kVecs = kSteps * kStepVecs<T>;
  constexpr size_t kSets = kRows == 1 ? 2 : 1;  // one row alone would wait for its last FMA
  const size_t lanes = hn::Lanes(d), step = StepSize<T>();
  V acc[kSets][kRows][kVecs];
#pragma GCC unroll 8
  for (size_t r = 0; r < kRows; ++r)
#pragma GCC unroll 8
    for (size_t c = 0; c < kVecs; ++c) {
      acc[0][r][c] = hn::Mul(hn::Load(d, z[r] + e + c * lanes), hn::Set(d, w.shrink[r]));
      if (kSets == 2) acc[kSets - 1][r][c] = hn::Zero(d);
    }
  const auto add = [&](size_t j, size_t set) HWY_ATTR {
    const T* v =
        reinterpret_cast<const T*>(run.v + static_cast<std::int64_t>(j) * run.v_stride) + e;
    V value[kSteps][kStepVecs<T>];
    if (some != 0) {
      LoadSome(d, v, some, value[0]);
    } else {
#pragma GCC unroll 8
      for (size_t s = 0; s < kSteps; ++s) {
        LoadStep(d, v + s * step, value[s]);
        if (ahead) ahead->fetch((e + s * step) * sizeof(T));
      }
    }
#pragma GCC unroll 8
    for (size_t r = 0; r < kRows; ++r) {
      const V weight = hn::Set(d, w.weights[r][j]);
#pragma GCC unroll 8
      for (size_t c = 0; c < kVecs; ++c)
        acc[set][r][c] =
            hn::MulAdd(weight, value[c / kStepVecs<T>][c % kStepVecs<T>], acc[set][r][c]);
    }
  };
  size_t j = 0;
  for (; j + kSets <= run.count; j += kSets)
#pragma GCC unroll 8
    for (size_t set = 0; set < kSets; ++set) add(j + set, set);
  if (j < run.count) add(j, 0);
#pragma GCC unroll 8
  for (size_t r = 0; r < kRows; ++r)
#pragma GCC unroll 8
    for (size_t c = 0; c < kVecs; ++c) {
      V sum = acc[0][r][c];
      if (kSets == 2) sum = hn::Add(sum, acc[kSets - 1][r][c]);
      hn::Store(sum, d, z[r] + e + c * lanes);
    }
}

/// The same for all of head_dim_v.
template <class T, size_t kRows>
HWY_NOINLINE void AddRun(D d, const KeyRun& run, const RunWeights& w, Rows z, size_t head_dim_v,
                         Ahead* ahead) {
  constexpr size_t kSteps = 4 / kStepVecs<T>;
  const size_t step = StepSize<T>();
  size_t e = 0;
  for (; e + kSteps * step <= head_dim_v; e += kSteps * step)
    AddSteps<T, kRows, kSteps>(d, run, w, z, e, 0, ahead);
  for (; e + step <= head_dim_v; e += step) AddSteps<T, kRows, 1>(d, run, w, z, e, 0, ahead);
  if (e < head_dim_v) AddSteps<T, kRows, 1>(d, run, w, z, e, head_dim_v - e, ahead);
}

/// Calls f(key, place, vector) for every vector of the run's values.
template <class T, class F>
HWY_INLINE void ForEachValue(D d, const KeyRun& run, size_t head_dim_v, const F& f) {
  const size_t lanes = hn::Lanes(d), step = StepSize<T>();
  for (size_t j = 0; j < run.count; ++j) {
    const T* v = reinterpret_cast<const T*>(run.v + static_cast<std::int64_t>(j) * run.v_stride);
    for (size_t e = 0; e < head_dim_v; e += step) {
      V value[kStepVecs<T>];
      if (e + step <= head_dim_v)
        LoadStep(d, v + e, value);
      else
        LoadSome(d, v + e, head_dim_v - e, value);
      for (size_t c = 0; c < kStepVecs<T>; ++c) f(j, e + c * lanes, value[c]);
    }
  }
}

/// True when the values hold an infinity or a NaN: 0 * x is NaN then, and stays in the sum.
template <class T>
HWY_NOINLINE bool HasNonFinite(D d, const KeyRun& run, size_t head_dim_v) {
  V poison = hn::Zero(d);
  ForEachValue<T>(d, run, head_dim_v, [&](size_t, size_t, V x) HWY_ATTR {
    poison = hn::MulAdd(x, hn::Zero(d), poison);
  });
  return !hn::AllTrue(d, hn::Eq(poison, hn::Zero(d)));
}

/// AddRun for one row, passing over the keys whose weight is 0: their values must not be met.
template <class T>
HWY_NOINLINE void AddRunCarefully(D d, const KeyRun& run, const RunWeights& w, float* z,
                                  size_t head_dim_v) {
  for (size_t e = 0; e < round_up(head_dim_v, StepSize<T>()); ++e) z[e] *= w.shrink[0];
  ForEachValue<T>(d, run, head_dim_v, [&](size_t j, size_t place, V x) HWY_ATTR {
    const float weight = w.weights[0][j];
    if (weight == 0) return;
    hn::Store(hn::MulAdd(x, hn::Set(d, weight), hn::Load(d, z + place)), d, z + place);
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace headlight
HWY_AFTER_NAMESPACE();

#endif  // HEADLIGHT_ATTENTION_DECODE_PRODUCT_INL_H
