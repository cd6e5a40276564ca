// Elementwise activations in vectors: one pass over memory, 4 bytes read and 4 written a value
// (8 and 4 with a gate).
#include "kernels/activations.h"

#include <cstddef>

#include "core/error.h"
#include "kernels/row_blocks.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/activations.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace headlight {
namespace HWY_NAMESPACE {
namespace {

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// x Phi(x). log(2 Phi(-t)) / t is smooth for t >= 0, so a polynomial in t and one exp give the
// tail, with an absolute error in Phi under 5e-10 before rounding.
struct GeluErf {
  HWY_INLINE V operator()(D d, V x) const {
    const V t = hn::Abs(x);
    const V log_tail = hn::Mul(
        t, Horner(d, t, -0.797884602111f, -0.318309291346f, -0.036338286486f, 0.00478698937051f,
                  3.47626711591e-5f, -0.000217211036805f, 6.19048247919e-5f, -9.50423893474e-6f,
                  8.04110212367e-7f, -2.89597168362e-8f));
    const V tail = hn::Mul(hn::Set(d, 0.5f), Exp(d, log_tail));
    const V phi = hn::IfThenElse(hn::Lt(x, hn::Zero(d)), tail, hn::Sub(hn::Set(d, 1.0f), tail));
    return hn::Mul(x, phi);
  }
};

// (1 + tanh(u)) / 2 is the sigmoid of 2u, which keeps full relative accuracy where 1 + tanh
// cancels.
struct GeluTanh {
  HWY_INLINE V operator()(D d, V x) const {
    const V cubic =
        hn::MulAdd(hn::Mul(x, x), hn::Set(d, 0.0713548162726f), hn::Set(d, 1.59576912161f));
    return hn::Div(x, hn::Add(hn::Set(d, 1.0f), Exp(d, hn::Neg(hn::Mul(x, cubic)))));
  }
};

struct Silu {
  HWY_INLINE V operator()(D d, V x) const {
    return hn::Div(x, hn::Add(hn::Set(d, 1.0f), Exp(d, hn::Neg(x))));
  }
};

struct Relu {
  HWY_INLINE V operator()(D d, V x) const { return hn::IfThenZeroElse(hn::Lt(x, hn::Zero(d)), x); }
};

// x := f(x), times up where given.
template <class F, bool kGated>
HWY_INLINE void Apply(F f, float* x, const float* up, size_t n) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    V y = f(d, hn::LoadU(d, x + i));
    if constexpr (kGated) y = hn::Mul(y, hn::LoadU(d, up + i));
    hn::StoreU(y, d, x + i);
  }
  if (i == n) return;
  V y = f(d, LoadPartial(d, x + i, n - i));
  if constexpr (kGated) y = hn::Mul(y, LoadPartial(d, up + i, n - i));
  StorePartial(y, d, x + i, n - i);
}

template <bool kGated>
HWY_INLINE void Select(Activation f, float* x, const float* up, size_t n) {
  switch (f) {
    case Activation::gelu_erf:
      return Apply<GeluErf, kGated>({}, x, up, n);
    case Activation::gelu_tanh:
      return Apply<GeluTanh, kGated>({}, x, up, n);
    case Activation::silu:
      return Apply<Silu, kGated>({}, x, up, n);
    case Activation::relu:
      return Apply<Relu, kGated>({}, x, up, n);
  }
}

void ActivateBlock(Activation f, float* x, const float* up, size_t n) {
  if (up)
    Select<true>(f, x, up, n);
  else
    Select<false>(f, x, nullptr, n);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace headlight
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace headlight {

HWY_EXPORT(ActivateBlock);

void activate(Activation f, std::span<float> x) {
  for_row_blocks(static_cast<std::int64_t>(x.size()), 1, [&](std::int64_t begin, std::int64_t end) {
    HWY_DYNAMIC_DISPATCH(ActivateBlock)
    (f, x.data() + begin, nullptr, static_cast<std::size_t>(end - begin));
  });
}

void activate_gated(Activation f, std::span<float> gate, std::span<const float> up) {
  check(gate.size() == up.size(), "activation", "gate [{}] and up [{}] must have the same length",
        gate.size(), up.size());
  for_row_blocks(
      static_cast<std::int64_t>(gate.size()), 1, [&](std::int64_t begin, std::int64_t end) {
        HWY_DYNAMIC_DISPATCH(ActivateBlock)
        (f, gate.data() + begin, up.data() + begin, static_cast<std::size_t>(end - begin));
      });
}

}  // namespace headlight
#endif  // HWY_ONCE
