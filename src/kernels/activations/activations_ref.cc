#include <cmath>
#include <limits>
#include <numbers>

#include "core/error.h"
#include "kernels/activations/activations.h"
#include "kernels/rows.h"

namespace headlight {
namespace {

double activation_of(Activation f, double x) {
  switch (f) {
    case Activation::gelu_erf:
      return 0.5 * x * std::erfc(-x / std::numbers::sqrt2);
    case Activation::gelu_tanh: {
      const double inner = std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x);
      return 0.5 * x * (1 + std::tanh(inner));
    }
    case Activation::silu:
      return x / (1 + std::exp(-x));
    case Activation::relu:
      return x < 0 ? 0 : x;
  }
  fail("activation", "unknown activation {}", static_cast<int>(f));
}

}  // namespace

void activate_ref(Activation f, std::span<float> x) {
  for (float& value : x) value = static_cast<float>(activation_of(f, value));
}

void activate_gated_ref(Activation f, std::span<float> gate, std::span<const float> up) {
  check(gate.size() == up.size(), "activation", "gate [{}] and up [{}] must have the same length",
        gate.size(), up.size());
  for (std::size_t i = 0; i < gate.size(); ++i)
    gate[i] = static_cast<float>(activation_of(f, gate[i]) * static_cast<double>(up[i]));
}

// y_j = exp(x_j - max) / sum_i exp(x_i - max)
void softmax_rows_ref(MutableTensorView x) {
  const auto rows = rows_of("softmax", "x", x);
  for (std::int64_t r = 0; r < rows.count; ++r) {
    const std::span<float> row(rows[r], static_cast<std::size_t>(rows.width));
    double max = -std::numeric_limits<double>::infinity();
    bool has_nan = false;
    for (const float v : row) {
      max = std::max<double>(max, v);
      has_nan = has_nan || std::isnan(v);
    }
    const bool dead = std::isinf(max) && max < 0 && !has_nan;
    double sum = 0;
    for (const float v : row) sum += dead ? 0 : std::exp(v - max);
    for (float& v : row) v = dead ? 0.0f : static_cast<float>(std::exp(v - max) / sum);
  }
}

}  // namespace headlight
