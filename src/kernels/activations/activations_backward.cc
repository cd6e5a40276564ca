// Gradients of the activations in vectors: 8 bytes read and 4 written a value (12 and 8 with a
// gate).
#include "kernels/activations/activations_backward.h"

#include <cstddef>

#include "kernels/activations/activations_backward_arguments.h"
#include "kernels/row_blocks.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/activations/activations_backward.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/activations/activation_functions-inl.h"

HWY_BEFORE_NAMESPACE();
namespace headlight {
namespace HWY_NAMESPACE {
namespace {

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

/// Calls step(offset, load, store) for every whole vector and once more for the rest, with loads
/// and stores that touch nothing past n.
template <class Step>
HWY_INLINE void ForEachVector(D d, size_t n, const Step& step) {
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes)
    step([&](const float* p) HWY_ATTR { return hn::LoadU(d, p + i); },
         [&](V v, float* p) HWY_ATTR { hn::StoreU(v, d, p + i); });
  if (i == n) return;
  step([&](const float* p) HWY_ATTR { return LoadPartial(d, p + i, n - i); },
       [&](V v, float* p) HWY_ATTR { StorePartial(v, d, p + i, n - i); });
}

template <class F>
HWY_INLINE void Backward(F f, const float* x, const float* d_y, float* d_x, size_t n) {
  const D d;
  ForEachVector(d, n, [&](const auto& load, const auto& store) HWY_ATTR {
    store(hn::Mul(load(d_y), f.Slope(d, load(x))), d_x);
  });
}

template <class F>
HWY_INLINE void GatedBackward(F f, const GatedPointers& p, size_t n) {
  const D d;
  ForEachVector(d, n, [&](const auto& load, const auto& store) HWY_ATTR {
    const V gate = load(p.gate), d_y = load(p.d_y), up = load(p.up);
    store(hn::Mul(hn::Mul(d_y, up), f.Slope(d, gate)), p.d_gate);
    store(hn::Mul(d_y, f(d, gate)), p.d_up);
  });
}

/// body(f) with the functor of the activation.
template <class Body>
HWY_INLINE void Select(Activation f, const Body& body) {
  switch (f) {
    case Activation::gelu_erf:
      return body(GeluErf());
    case Activation::gelu_tanh:
      return body(GeluTanh());
    case Activation::silu:
      return body(Silu());
    case Activation::relu:
      return body(Relu());
  }
}

void BackwardBlock(Activation f, const float* x, const float* d_y, float* d_x, size_t n) {
  Select(f, [&](auto function) HWY_ATTR { Backward(function, x, d_y, d_x, n); });
}

void GatedBackwardBlock(Activation f, const GatedPointers& p, size_t n) {
  Select(f, [&](auto function) HWY_ATTR { GatedBackward(function, p, n); });
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace headlight
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace headlight {

HWY_EXPORT(BackwardBlock);
HWY_EXPORT(GatedBackwardBlock);

void activate_backward(Activation f, std::span<const float> x, std::span<const float> d_y,
                       std::span<float> d_x) {
  check_activation_backward(x, d_y, d_x);
  for_row_blocks(std::ssize(x), 1, [&](std::int64_t begin, std::int64_t end) {
    HWY_DYNAMIC_DISPATCH(BackwardBlock)
    (f, x.data() + begin, d_y.data() + begin, d_x.data() + begin,
     static_cast<std::size_t>(end - begin));
  });
}

void activate_gated_backward(Activation f, const GatedActivation& given, std::span<float> d_gate,
                             std::span<float> d_up) {
  const GatedPointers all = gated_pointers(given, d_gate, d_up);
  for_row_blocks(std::ssize(given.gate), 1, [&](std::int64_t begin, std::int64_t end) {
    HWY_DYNAMIC_DISPATCH(GatedBackwardBlock)
    (f, all.from(begin), static_cast<std::size_t>(end - begin));
  });
}

}  // namespace headlight
#endif  // HWY_ONCE
