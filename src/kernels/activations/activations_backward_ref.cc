#include <cmath>
#include <numbers>

#include "kernels/activations/activations_backward.h"
#include "kernels/activations/activations_backward_arguments.h"

namespace headlight {
namespace {

struct ValueAndSlope {
  double value, slope;
};

// f(x) and df/dx of the formulas in activations.h.
ValueAndSlope differentiate(Activation f, double x) {
  switch (f) {
    case Activation::gelu_erf: {
      const double cdf = 0.5 * std::erfc(-x / std::numbers::sqrt2);
      const double density =
          std::exp(-0.5 * x * x) * std::numbers::inv_sqrtpi / std::numbers::sqrt2;
      return {x * cdf, cdf + x * density};
    }
    case Activation::gelu_tanh: {
      const double c = std::sqrt(2 / std::numbers::pi);
      const double t = std::tanh(c * (x + 0.044715 * x * x * x));
      const double inner = c * (1 + 3 * 0.044715 * x * x);
      const double bend = t * t == 1 ? 0 : 0.5 * x * (1 - t * t) * inner;
      return {0.5 * x * (1 + t), 0.5 * (1 + t) + bend};
    }
    case Activation::silu: {
      const double s = 1 / (1 + std::exp(-x));
      return {x * s, s * (1 + x * (1 - s))};
    }
    case Activation::relu:
      return {x < 0 ? 0 : x, x > 0 ? 1.0 : 0.0};
  }
  fail("activation_backward", "unknown activation {}", static_cast<int>(f));
}

}  // namespace

void activate_backward_ref(Activation f, std::span<const float> x, std::span<const float> d_y,
                           std::span<float> d_x) {
  check_activation_backward(x, d_y, d_x);
  for (std::size_t i = 0; i < x.size(); ++i)
    d_x[i] = static_cast<float>(d_y[i] * differentiate(f, x[i]).slope);
}

void activate_gated_backward_ref(Activation f, const GatedActivation& given,
                                 std::span<float> d_gate, std::span<float> d_up) {
  const GatedPointers p = gated_pointers(given, d_gate, d_up);
  for (std::size_t i = 0; i < given.gate.size(); ++i) {
    const auto [value, slope] = differentiate(f, p.gate[i]);
    const double d_y = p.d_y[i], up = p.up[i];
    p.d_gate[i] = static_cast<float>(d_y * up * slope);
    p.d_up[i] = static_cast<float>(d_y * value);
  }
}

}  // namespace headlight
