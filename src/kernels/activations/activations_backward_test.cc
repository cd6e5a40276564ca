#include "kernels/activations/activations_backward.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "support/expect_error.h"
#include "support/tolerance.h"
#include "support/vector_targets.h"

namespace headlight {
namespace {

using testing::agrees;
using testing::expect_error;
using testing::normal_values;
using testing::on_every_target;

constexpr Activation kAll[] = {Activation::gelu_erf, Activation::gelu_tanh, Activation::silu,
                               Activation::relu};

// The textbook derivatives in fp32 with libm.
float naive_slope(Activation f, float x) {
  switch (f) {
    case Activation::gelu_erf:
      return 0.5f * (1 + std::erf(x * 0.70710678f)) + x * std::exp(-0.5f * x * x) * 0.39894228f;
    case Activation::gelu_tanh: {
      const float t = std::tanh(0.79788456f * (x + 0.044715f * x * x * x));
      return 0.5f * (1 + t) + 0.5f * x * (1 - t * t) * 0.79788456f * (1 + 3 * 0.044715f * x * x);
    }
    case Activation::silu: {
      const float s = 1 / (1 + std::exp(-x));
      return s * (1 + x * (1 - s));
    }
    case Activation::relu:
      return x > 0 ? 1.0f : 0.0f;
  }
  return 0;
}

// The functions themselves in double, sharing no code with the kernels.
double value_of(Activation f, double x) {
  switch (f) {
    case Activation::gelu_erf:
      return 0.5 * x * std::erfc(-x / std::numbers::sqrt2);
    case Activation::gelu_tanh:
      return 0.5 * x *
             (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
    case Activation::silu:
      return x / (1 + std::exp(-x));
    case Activation::relu:
      return std::max(x, 0.0);
  }
  return 0;
}

// Every 1/512 over the range where the slopes bend, without relu's kink.
std::vector<float> bending_values() {
  std::vector<float> x;
  for (int i = -10 * 512; i <= 10 * 512; ++i)
    if (i != 0) x.push_back(static_cast<float>(i) / 512);
  return x;
}

std::vector<float> naive_backward(Activation f, std::span<const float> x,
                                  std::span<const float> d_y) {
  std::vector<float> d_x;
  for (std::size_t i = 0; i < x.size(); ++i) d_x.push_back(d_y[i] * naive_slope(f, x[i]));
  return d_x;
}

TEST(ActivationsBackward, TheReferenceMatchesFiniteDifferences) {
  const std::vector<float> x = bending_values(), ones(x.size(), 1.0f);
  std::vector<float> d_x(x.size());
  const double h = 1e-5;
  for (const Activation f : kAll) {
    activate_backward_ref(f, x, ones, d_x);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double difference = (value_of(f, x[i] + h) - value_of(f, x[i] - h)) / (2 * h);
      ASSERT_NEAR(d_x[i], difference, 1e-7 + 6e-8) << static_cast<int>(f) << " at " << x[i];
    }
  }
}

TEST(ActivationsBackward, AgreeWithTheReferenceOverTheirRange) {
  std::vector<float> x = bending_values();
  for (int e = -40; e < 127; ++e) {
    x.push_back(std::ldexp(1.0f, e));
    x.push_back(-std::ldexp(1.0f, e));
  }
  on_every_target([&] {
    for (const Activation f : kAll) {
      SCOPED_TRACE(static_cast<int>(f));
      const std::vector<float> d_y = normal_values(x.size(), 0, 1, 4);
      std::vector<float> fast(x.size()), exact(x.size());
      activate_backward(f, x, d_y, fast);
      activate_backward_ref(f, x, d_y, exact);
      for (std::size_t i = 0; i < x.size(); ++i)
        ASSERT_NEAR(fast[i], exact[i], 1e-6 * (1 + std::fabs(exact[i]))) << "x = " << x[i];
    }
  });
}

TEST(ActivationsBackward, EveryLengthInPlaceAndUnaligned) {
  on_every_target([] {
    for (const Activation f : kAll)
      for (std::size_t n = 0; n <= 40; ++n) {
        const std::vector<float> x = normal_values(n + 1, 0, 2, 1);
        std::vector<float> memory = normal_values(n + 2, 0, 1, 2);
        const std::vector<float> before = memory;
        const std::span<const float> in = std::span(x).subspan(1, n);
        const std::span<float> d_x = std::span(memory).subspan(1, n);
        std::vector<float> exact(n);
        const std::vector<float> d_y(d_x.begin(), d_x.end());
        activate_backward(f, in, d_x, d_x);
        activate_backward_ref(f, in, d_y, exact);
        ASSERT_TRUE(agrees(d_x, naive_backward(f, in, d_y), exact)) << n;
        EXPECT_EQ(memory.front(), before.front());
        EXPECT_EQ(memory.back(), before.back());
      }
  });
}

TEST(ActivationsBackward, GatedProduct) {
  on_every_target([] {
    for (const Activation f : kAll)
      for (const std::size_t n : {0u, 1u, 7u, 33u, 100000u}) {
        const std::vector<float> gate = normal_values(n, 0, 2, 1), up = normal_values(n, 0, 1, 2),
                                 d_y = normal_values(n, 0, 1, 3);
        std::vector<float> d_gate = gate, d_up = up, exact_gate(n), exact_up(n), naive_gate,
                           naive_up;
        activate_gated_backward(f, {d_gate, d_up, d_y}, d_gate, d_up);
        activate_gated_backward_ref(f, {gate, up, d_y}, exact_gate, exact_up);
        for (std::size_t i = 0; i < n; ++i) {
          naive_gate.push_back(d_y[i] * up[i] * naive_slope(f, gate[i]));
          naive_up.push_back(d_y[i] * static_cast<float>(value_of(f, gate[i])));
        }
        EXPECT_TRUE(agrees(d_gate, naive_gate, exact_gate)) << n;
        EXPECT_TRUE(agrees(d_up, naive_up, exact_up)) << n;
      }
  });
}

TEST(ActivationsBackward, RefuseLengthsThatDiffer) {
  std::vector<float> three(3), four(4);
  expect_error([&] { activate_backward(Activation::silu, three, four, three); },
               {"[activation_backward]", "[3]", "[4]"});
  expect_error(
      [&] {
        activate_gated_backward(Activation::silu, {three, three, three}, three, four);
      },
      {"[activation_backward]", "[3]", "[4]"});
}

// The comparison must be able to fail: the tanh form's slope is not the erf form's.
TEST(ActivationsBackward, AWrongSlopeIsCaught) {
  const std::vector<float> x = normal_values(1000), ones(1000, 1.0f);
  std::vector<float> wrong(1000), exact(1000);
  activate_backward(Activation::gelu_tanh, x, ones, wrong);
  activate_backward_ref(Activation::gelu_erf, x, ones, exact);
  EXPECT_FALSE(agrees(wrong, naive_backward(Activation::gelu_erf, x, ones), exact));
}

}  // namespace
}  // namespace headlight
