// Elementwise activations in vectors: one pass over memory, 4 bytes read and 4 written a value
// (8 and 4 with a gate).
#include "kernels/activations/activations.h"

#include <cstddef>

#include "core/error.h"
#include "kernels/row_blocks.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/activations/activations.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/activations/activation_functions-inl.h"

HWY_BEFORE_NAMESPACE();
namespace headlight {
namespace HWY_NAMESPACE {
namespace {

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// to := f(x), times up where given; `to` may be x.
template <class F, bool kGated>
HWY_INLINE void Apply(F f, const float* x, const float* up, size_t n, float* to) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    V y = f(d, hn::LoadU(d, x + i));
    if constexpr (kGated) y = hn::Mul(y, hn::LoadU(d, up + i));
    hn::StoreU(y, d, to + i);
  }
  if (i == n) return;
  V y = f(d, LoadPartial(d, x + i, n - i));
  if constexpr (kGated) y = hn::Mul(y, LoadPartial(d, up + i, n - i));
  StorePartial(y, d, to + i, n - i);
}

template <bool kGated>
HWY_INLINE void Select(Activation f, const float* x, const float* up, size_t n, float* to) {
  switch (f) {
    case Activation::gelu_erf:
      return Apply<GeluErf, kGated>({}, x, up, n, to);
    case Activation::gelu_tanh:
      return Apply<GeluTanh, kGated>({}, x, up, n, to);
    case Activation::silu:
      return Apply<Silu, kGated>({}, x, up, n, to);
    case Activation::relu:
      return Apply<Relu, kGated>({}, x, up, n, to);
  }
}

void ActivateBlock(Activation f, const float* x, const float* up, size_t n, float* to) {
  if (up)
    Select<true>(f, x, up, n, to);
  else
    Select<false>(f, x, nullptr, n, to);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace headlight
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace headlight {

HWY_EXPORT(ActivateBlock);

void activate(Activation f, std::span<float> x) {
  activate(f, x, x);
}

void activate(Activation f, std::span<const float> x, std::span<float> y) {
  check(x.size() == y.size(), "activation", "x [{}] and y [{}] must have the same length", x.size(),
        y.size());
  for_row_blocks(static_cast<std::int64_t>(x.size()), 1, [&](std::int64_t begin, std::int64_t end) {
    HWY_DYNAMIC_DISPATCH(ActivateBlock)
    (f, x.data() + begin, nullptr, static_cast<std::size_t>(end - begin), y.data() + begin);
  });
}

void activate_gated(Activation f, std::span<float> gate, std::span<const float> up) {
  check(gate.size() == up.size(), "activation", "gate [{}] and up [{}] must have the same length",
        gate.size(), up.size());
  for_row_blocks(static_cast<std::int64_t>(gate.size()), 1,
                 [&](std::int64_t begin, std::int64_t end) {
                   HWY_DYNAMIC_DISPATCH(ActivateBlock)
                   (f, gate.data() + begin, up.data() + begin,
                    static_cast<std::size_t>(end - begin), gate.data() + begin);
                 });
}

}  // namespace headlight
#endif  // HWY_ONCE
