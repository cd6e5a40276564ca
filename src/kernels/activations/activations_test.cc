#include "kernels/activations/activations.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

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
constexpr float kInfinity = std::numeric_limits<float>::infinity();

// The textbook formulas in fp32 with libm.
float naive(Activation f, float x) {
  switch (f) {
    case Activation::gelu_erf:
      return 0.5f * x * (1 + std::erf(x * 0.70710678f));
    case Activation::gelu_tanh:
      return 0.5f * x * (1 + std::tanh(0.79788456f * (x + 0.044715f * x * x * x)));
    case Activation::silu:
      return x / (1 + std::exp(-x));
    case Activation::relu:
      return std::max(x, 0.0f);
  }
  return 0;
}

std::vector<float> naive_all(Activation f, std::vector<float> x) {
  for (float& v : x) v = naive(f, v);
  return x;
}

std::vector<float> reference(Activation f, std::vector<float> x) {
  activate_ref(f, x);
  return x;
}

// Every 1/512 over the range where the functions bend, and powers of two far outside it.
std::vector<float> wide_values() {
  std::vector<float> x;
  for (int i = -12 * 512; i <= 12 * 512; ++i) x.push_back(static_cast<float>(i) / 512);
  for (int e = -40; e < 127; ++e) {
    x.push_back(std::ldexp(1.0f, e));
    x.push_back(-std::ldexp(1.0f, e));
  }
  return x;
}

TEST(Activations, AgreeWithTheReferenceOverTheirRange) {
  on_every_target([] {
    for (const Activation f : kAll) {
      SCOPED_TRACE(static_cast<int>(f));
      for (const float x : wide_values()) {
        std::vector<float> fast = {x};
        activate(f, fast);
        ASSERT_TRUE(agrees(fast, naive_all(f, {x}), reference(f, {x}))) << "x = " << x;
      }
    }
  });
}

TEST(Activations, EveryLengthAndAlignment) {
  on_every_target([] {
    for (const Activation f : kAll) {
      for (std::size_t n = 0; n <= 40; ++n) {
        for (std::size_t offset = 0; offset < 4; ++offset) {
          std::vector<float> memory = normal_values(n + offset + 1, 0, 3);
          const std::vector<float> before = memory;
          const std::span<float> x = std::span(memory).subspan(offset, n);
          const std::vector<float> input(x.begin(), x.end());
          activate(f, x);
          ASSERT_TRUE(agrees(x, naive_all(f, input), reference(f, input))) << n << "+" << offset;
          EXPECT_EQ(memory.back(), before.back()) << "wrote past the end";
          EXPECT_EQ(memory[0], offset > 0 ? before[0] : memory[0]) << "wrote before the start";
        }
      }
    }
  });
}

TEST(Activations, GatedProduct) {
  on_every_target([] {
    for (const Activation f : kAll) {
      for (const std::size_t n : {0u, 1u, 7u, 16u, 33u, 100000u}) {
        const std::vector<float> up = normal_values(n, 0, 1, 2);
        const std::vector<float> gate = normal_values(n, 0, 3);
        std::vector<float> fast = gate, exact = gate, plain = naive_all(f, gate);
        activate_gated(f, fast, up);
        activate_gated_ref(f, exact, up);
        for (std::size_t i = 0; i < n; ++i) plain[i] *= up[i];
        EXPECT_TRUE(agrees(fast, plain, exact)) << n;
      }
    }
  });
  std::vector<float> gate(3);
  expect_error([&] { activate_gated(Activation::silu, gate, normal_values(4)); },
               {"[activation]", "[3]", "[4]"});
}

TEST(Activations, ToAnotherPlaceAsInPlace) {
  on_every_target([] {
    const std::vector<float> x = normal_values(37);
    for (const Activation f : kAll) {
      std::vector<float> in_place = x, y(x.size());
      activate(f, in_place);
      activate(f, x, y);
      EXPECT_EQ(y, in_place);
    }
  });
  std::vector<float> y(3);
  expect_error([&] { activate(Activation::silu, normal_values(4), y); },
               {"[activation]", "[3]", "[4]"});
}

TEST(Activations, InfinityAndNan) {
  on_every_target([] {
    for (const Activation f : kAll) {
      std::vector<float> x = {kInfinity, std::nanf(""), 0.0f, 200.0f, -200.0f, -kInfinity};
      std::vector<float> exact = x;
      activate(f, x);
      activate_ref(f, exact);
      EXPECT_EQ(x[0], kInfinity);
      EXPECT_TRUE(std::isnan(x[1]));
      EXPECT_EQ(x[2], 0.0f);
      EXPECT_EQ(x[3], 200.0f);
      EXPECT_EQ(std::isnan(x[5]), f != Activation::relu);
      EXPECT_EQ(std::isnan(exact[5]), f != Activation::relu);
      EXPECT_NEAR(x[4], 0.0f, 1e-30f);
    }
  });
}

// The comparison must be able to fail: the tanh form is not the erf form.
TEST(Activations, AWrongFormIsCaught) {
  const std::vector<float> x = normal_values(1000);
  std::vector<float> wrong = x;
  activate(Activation::gelu_tanh, wrong);
  EXPECT_FALSE(
      agrees(wrong, naive_all(Activation::gelu_erf, x), reference(Activation::gelu_erf, x)));
}

}  // namespace
}  // namespace headlight
