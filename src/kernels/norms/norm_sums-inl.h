// What a norm knows of a row: its mean and spread, for the forward and the backward pass.
// Include after hwy/highway.h in a file that foreach_target.h includes once per target.

// Highway toggles HWY_TARGET_TOGGLE per target, which lets this file in once for each of them.
#if defined(HEADLIGHT_NORM_SUMS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef HEADLIGHT_NORM_SUMS_INL_H
#undef HEADLIGHT_NORM_SUMS_INL_H
#else
#define HEADLIGHT_NORM_SUMS_INL_H
#endif

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "hwy/highway.h"
#include "kernels/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace headlight {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Sums over a row of d = x - shift and of d^2.
struct Sums {
  float first;
  float second;
};

template <class D, class V = hn::Vec<D>>
HWY_INLINE Sums RowSums(D d, const float* x, size_t n, float shift) {
  const size_t lanes = hn::Lanes(d);
  const V s = hn::Set(d, shift);
  // Two chains each: the adds' latency would otherwise bound the loop.
  V first0 = hn::Zero(d), first1 = hn::Zero(d), second0 = hn::Zero(d), second1 = hn::Zero(d);
  size_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    const V a = hn::Sub(hn::LoadU(d, x + i), s);
    const V b = hn::Sub(hn::LoadU(d, x + i + lanes), s);
    first0 = hn::Add(first0, a);
    first1 = hn::Add(first1, b);
    second0 = hn::MulAdd(a, a, second0);
    second1 = hn::MulAdd(b, b, second1);
  }
  for (; i < n; i += lanes) {
    const size_t left = n - i;
    const V v = left >= lanes ? hn::LoadU(d, x + i) : LoadPartial(d, x + i, left);
    const V a = hn::IfThenElseZero(hn::FirstN(d, left), hn::Sub(v, s));
    first0 = hn::Add(first0, a);
    second0 = hn::MulAdd(a, a, second0);
  }
  return {hn::GetLane(hn::SumOfLanes(d, hn::Add(first0, first1))),
          hn::GetLane(hn::SumOfLanes(d, hn::Add(second0, second1)))};
}

/// normalised = ((x - shift) - correction) * scale
struct RowMap {
  float shift, correction, scale;
};

template <class D, class V = hn::Vec<D>>
HWY_INLINE V Normalised(D d, const RowMap& m, V x) {
  const V centred = hn::Sub(hn::Sub(x, hn::Set(d, m.shift)), hn::Set(d, m.correction));
  return hn::Mul(centred, hn::Set(d, m.scale));
}

template <class D>
HWY_INLINE RowMap LayerNormMap(D d, const float* x, size_t n, float eps) {
  const float inverse = 1.0f / static_cast<float>(n);
  const float mean = RowSums(d, x, n, 0).first * inverse;
  // The second sweep also measures how far off that mean was. With the correction, rows whose
  // mean is large beside their spread keep their accuracy (Chan, Golub & LeVeque 1983).
  const Sums s = RowSums(d, x, n, mean);
  const float off = s.first * inverse;
  const float var = std::max(0.0f, s.second * inverse - off * off);
  return {mean, off, 1.0f / std::sqrt(var + eps)};
}

template <class D>
HWY_INLINE RowMap RmsNormMap(D d, const float* x, size_t n, float eps) {
  const float squares = RowSums(d, x, n, 0).second;
  return {0, 0, 1.0f / std::sqrt(squares / static_cast<float>(n) + eps)};
}

}  // namespace HWY_NAMESPACE
}  // namespace headlight
HWY_AFTER_NAMESPACE();

#endif  // HEADLIGHT_NORM_SUMS_INL_H
