// The largest value of a row and its exponentials, for every Highway target.
// Include after hwy/highway.h in a file that foreach_target.h includes once per target.

// Highway toggles HWY_TARGET_TOGGLE per target, which lets this file in once for each of them.
#if defined(HEADLIGHT_SOFTMAX_ROW_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef HEADLIGHT_SOFTMAX_ROW_INL_H
#undef HEADLIGHT_SOFTMAX_ROW_INL_H
#else
#define HEADLIGHT_SOFTMAX_ROW_INL_H
#endif

#include <cstddef>
#include <limits>

#include "hwy/highway.h"
#include "kernels/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace headlight {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// The largest value. Not-a-number may lose here; it comes back through the sum.
template <class D, class V = hn::Vec<D>>
HWY_INLINE float RowMax(D d, const float* x, size_t n) {
  const size_t lanes = hn::Lanes(d);
  V max0 = hn::Set(d, -std::numeric_limits<float>::infinity()), max1 = max0;
  size_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    max0 = hn::Max(hn::LoadU(d, x + i), max0);
    max1 = hn::Max(hn::LoadU(d, x + i + lanes), max1);
  }
  float result = hn::GetLane(hn::MaxOfLanes(d, hn::Max(max0, max1)));
  for (; i < n; ++i) result = x[i] > result ? x[i] : result;
  return result;
}

/// y := exp(x - max), in place or not; returns the sum.
template <class D, class V = hn::Vec<D>>
HWY_INLINE float ExpRow(D d, const float* x, size_t n, float max, float* y) {
  const size_t lanes = hn::Lanes(d);
  const V shift = hn::Set(d, max);
  V sum = hn::Zero(d);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const V e = Exp(d, hn::Sub(hn::LoadU(d, x + i), shift));
    hn::StoreU(e, d, y + i);
    sum = hn::Add(sum, e);
  }
  if (i < n) {
    const V e = Exp(d, hn::Sub(LoadPartial(d, x + i, n - i), shift));
    StorePartial(e, d, y + i, n - i);
    sum = hn::Add(sum, hn::IfThenElseZero(hn::FirstN(d, n - i), e));
  }
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

}  // namespace HWY_NAMESPACE
}  // namespace headlight
HWY_AFTER_NAMESPACE();

#endif  // HEADLIGHT_SOFTMAX_ROW_INL_H
