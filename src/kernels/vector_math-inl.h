// Vector exp, tanh, sigmoid and the loads and stores of row tails, for every Highway target.
// Include after hwy/highway.h in a file that foreach_target.h includes once per target.
// The polynomials are minimax fits (Remez) made for these intervals.

// Highway toggles HWY_TARGET_TOGGLE per target, which lets this file in once for each of them.
#if defined(HEADLIGHT_VECTOR_MATH_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef HEADLIGHT_VECTOR_MATH_INL_H
#undef HEADLIGHT_VECTOR_MATH_INL_H
#else
#define HEADLIGHT_VECTOR_MATH_INL_H
#endif

#include <cstddef>
#include <limits>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace headlight {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// c0 + x c1 + x^2 c2 ... by Horner's rule.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Horner(D d, V, float c0) {
  return hn::Set(d, c0);
}
template <class D, class V = hn::Vec<D>, class... Rest>
HWY_INLINE V Horner(D d, V x, float c0, Rest... rest) {
  return hn::MulAdd(Horner(d, x, rest...), x, hn::Set(d, c0));
}

/// e^x, relative error below 1.2e-7. Results under the smallest normal number are 0, over the
/// largest +inf; NaN stays NaN.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Exp(D d, V x) {
  const hn::RebindToSigned<D> di;
  // x = n ln2 + r with |r| <= ln2 / 2. Adding 1.5 * 2^23 leaves n in the lowest mantissa bits.
  const V shifter = hn::Set(d, 12582912.0f);
  const V shifted = hn::MulAdd(x, hn::Set(d, 1.44269504089f), shifter);
  const V n = hn::Sub(shifted, shifter);
  // ln2 in two parts; the first has few enough bits that n times it is exact.
  V r = hn::NegMulAdd(n, hn::Set(d, 0.693145751953125f), x);
  r = hn::NegMulAdd(n, hn::Set(d, 1.42860682030941723e-6f), r);
  const V p = Horner(d, r, 1.0f, 1.0f, 0.499999934136f, 0.166665201056f, 0.0416683939714f,
                     0.00836878062516f, 0.001381447946f);
  // 2^n goes straight into the exponent bits; the limits below keep that in range.
  const auto exponent = hn::ShiftLeft<23>(hn::BitCast(di, shifted));
  const V scaled = hn::BitCast(d, hn::Add(hn::BitCast(di, p), exponent));
  const V infinity = hn::Set(d, std::numeric_limits<float>::infinity());
  const V low_ok = hn::IfThenZeroElse(hn::Lt(x, hn::Set(d, -87.3365402f)), scaled);
  return hn::IfThenElse(hn::Le(x, hn::Set(d, 88.7228317f)), low_ok, hn::Add(x, infinity));
}

/// 1 / (1 + e^-x).
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Sigmoid(D d, V x) {
  const V one = hn::Set(d, 1.0f);
  return hn::Div(one, hn::Add(one, Exp(d, hn::Neg(x))));
}

/// tanh(x), relative error below 3e-7.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Tanh(D d, V x) {
  const V one = hn::Set(d, 1.0f);
  const V size = hn::Abs(x);
  // 1 - 2 / (e^2x + 1) cancels near 0, where the odd polynomial is exact enough.
  const V grown = Exp(d, hn::Add(size, size));
  const V large = hn::Sub(one, hn::Div(hn::Set(d, 2.0f), hn::Add(grown, one)));
  const V u = hn::Mul(x, x);
  const V small = hn::MulAdd(hn::Mul(x, u),
                             Horner(d, u, -0.333332819412f, 0.133314421794f, -0.0537397138863f,
                                    0.0206390844054f, -0.00570498475311f),
                             x);
  return hn::IfThenElse(hn::Lt(size, hn::Set(d, 0.625f)), small, hn::CopySign(large, x));
}

// Where masked loads and stores may touch what their mask leaves out; the scalar target's load
// does.
#define HEADLIGHT_MASKS_TOUCH_ALL (HWY_MEM_OPS_MIGHT_FAULT || HWY_TARGET == HWY_SCALAR)

/// The first n < Lanes(d) floats at p, the other lanes zero. Touches nothing past p[n - 1].
template <class D>
HWY_INLINE hn::Vec<D> LoadPartial(D d, const float* HWY_RESTRICT p, size_t n) {
#if HEADLIGHT_MASKS_TOUCH_ALL
  HWY_ALIGN float buffer[hn::MaxLanes(D())] = {};
  for (size_t i = 0; i < n; ++i) buffer[i] = p[i];
  return hn::Load(d, buffer);
#else
  return hn::MaskedLoad(hn::FirstN(d, n), d, p);
#endif
}

/// Stores the first n < Lanes(d) lanes of v. Touches nothing past p[n - 1].
template <class D>
HWY_INLINE void StorePartial(hn::Vec<D> v, D d, float* HWY_RESTRICT p, size_t n) {
#if HEADLIGHT_MASKS_TOUCH_ALL
  HWY_ALIGN float buffer[hn::MaxLanes(D())];
  hn::Store(v, d, buffer);
  for (size_t i = 0; i < n; ++i) p[i] = buffer[i];
#else
  hn::BlendedStore(v, hn::FirstN(d, n), d, p);
#endif
}

#undef HEADLIGHT_MASKS_TOUCH_ALL

}  // namespace HWY_NAMESPACE
}  // namespace headlight
HWY_AFTER_NAMESPACE();

#endif  // HEADLIGHT_VECTOR_MATH_INL_H
