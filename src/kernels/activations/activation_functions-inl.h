// The activations and their slopes on vectors, for every Highway target.
// Include after hwy/highway.h in a file that foreach_target.h includes once per target.

// Highway toggles HWY_TARGET_TOGGLE per target, which lets this file in once for each of them.
#if defined(HEADLIGHT_ACTIVATION_FUNCTIONS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef HEADLIGHT_ACTIVATION_FUNCTIONS_INL_H
#undef HEADLIGHT_ACTIVATION_FUNCTIONS_INL_H
#else
#define HEADLIGHT_ACTIVATION_FUNCTIONS_INL_H
#endif

#include "hwy/highway.h"
#include "kernels/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace headlight {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Phi(x) of the normal distribution. log(2 Phi(-t)) / t is smooth for t >= 0, so a polynomial in t
/// and one exp give the tail, with an absolute error in Phi under 5e-10 before rounding.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V NormalCdf(D d, V x) {
  const V t = hn::Abs(x);
  const V log_tail = hn::Mul(
      t, Horner(d, t, -0.797884602111f, -0.318309291346f, -0.036338286486f, 0.00478698937051f,
                3.47626711591e-5f, -0.000217211036805f, 6.19048247919e-5f, -9.50423893474e-6f,
                8.04110212367e-7f, -2.89597168362e-8f));
  const V tail = hn::Mul(hn::Set(d, 0.5f), Exp(d, log_tail));
  return hn::IfThenElse(hn::Lt(x, hn::Zero(d)), tail, hn::Sub(hn::Set(d, 1.0f), tail));
}

/// s = 1 / (1 + e^-u) and its slope s (1 - s), neither of which cancels on either side.
template <class V>
struct SigmoidParts {
  V value, slope;
};
template <class D, class V = hn::Vec<D>>
HWY_INLINE SigmoidParts<V> SigmoidAndSlope(D d, V u) {
  const V one = hn::Set(d, 1.0f);
  const V t = Exp(d, hn::Neg(hn::Abs(u)));
  const V larger = hn::Div(one, hn::Add(one, t));
  const V smaller = hn::Mul(t, larger);
  return {hn::IfThenElse(hn::Lt(u, hn::Zero(d)), smaller, larger), hn::Mul(smaller, larger)};
}

/// a * b, and 0 where a is 0 whatever b holds: a slope that has vanished beside a factor that
/// overflowed.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V VanishingProduct(D d, V a, V b) {
  return hn::IfThenZeroElse(hn::Eq(a, hn::Zero(d)), hn::Mul(a, b));
}

// Each: f(x) by operator(), df/dx by Slope().

struct GeluErf {
  template <class D, class V = hn::Vec<D>>
  HWY_INLINE V operator()(D d, V x) const {
    return hn::Mul(x, NormalCdf(d, x));
  }
  /// Phi(x) + x phi(x)
  template <class D, class V = hn::Vec<D>>
  HWY_INLINE V Slope(D d, V x) const {
    const V density =
        hn::Mul(hn::Set(d, 0.398942280401f), Exp(d, hn::Mul(hn::Mul(x, x), hn::Set(d, -0.5f))));
    return hn::Add(NormalCdf(d, x), VanishingProduct(d, density, x));
  }
};

// (1 + tanh(u)) / 2 is the sigmoid of 2u, which keeps full relative accuracy where 1 + tanh
// cancels.
struct GeluTanh {
  template <class D, class V = hn::Vec<D>>
  HWY_INLINE V operator()(D d, V x) const {
    const V cubic =
        hn::MulAdd(hn::Mul(x, x), hn::Set(d, 0.0713548162726f), hn::Set(d, 1.59576912161f));
    return hn::Div(x, hn::Add(hn::Set(d, 1.0f), Exp(d, hn::Neg(hn::Mul(x, cubic)))));
  }
  /// s + x s' d(2u)/dx
  template <class D, class V = hn::Vec<D>>
  HWY_INLINE V Slope(D d, V x) const {
    const V square = hn::Mul(x, x);
    const V linear = hn::Set(d, 1.59576912161f);
    const V s_of = hn::Mul(x, hn::MulAdd(square, hn::Set(d, 0.0713548162726f), linear));
    const auto s = SigmoidAndSlope(d, s_of);
    const V inner = hn::MulAdd(square, hn::Set(d, 0.214064448818f), linear);
    return hn::Add(s.value, VanishingProduct(d, s.slope, hn::Mul(x, inner)));
  }
};

struct Silu {
  template <class D, class V = hn::Vec<D>>
  HWY_INLINE V operator()(D d, V x) const {
    return hn::Div(x, hn::Add(hn::Set(d, 1.0f), Exp(d, hn::Neg(x))));
  }
  template <class D, class V = hn::Vec<D>>
  HWY_INLINE V Slope(D d, V x) const {
    const auto s = SigmoidAndSlope(d, x);
    return hn::Add(s.value, VanishingProduct(d, s.slope, x));
  }
};

struct Relu {
  template <class D, class V = hn::Vec<D>>
  HWY_INLINE V operator()(D d, V x) const {
    return hn::IfThenZeroElse(hn::Lt(x, hn::Zero(d)), x);
  }
  template <class D, class V = hn::Vec<D>>
  HWY_INLINE V Slope(D d, V x) const {
    return hn::IfThenElseZero(hn::Gt(x, hn::Zero(d)), hn::Set(d, 1.0f));
  }
};

}  // namespace HWY_NAMESPACE
}  // namespace headlight
HWY_AFTER_NAMESPACE();

#endif  // HEADLIGHT_ACTIVATION_FUNCTIONS_INL_H
