#include "kernels/norms/norms_backward.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/threads.h"
#include "support/expect_error.h"
#include "support/tolerance.h"
#include "support/vector_targets.h"

namespace headlight {
namespace {

using testing::agrees;
using testing::expect_error;
using testing::normal_values;
using testing::on_every_target;

constexpr float kEps = 1e-5f;

enum class Norm { layer, rms };
constexpr Norm kBoth[] = {Norm::layer, Norm::rms};

struct Problem {
  std::int64_t rows, width;
  std::vector<float> x, weight, d_y;

  Problem(std::int64_t n, std::int64_t d, float mean = 0.3f, float spread = 2)
      : rows(n),
        width(d),
        x(normal_values(static_cast<std::size_t>(n * d), mean, spread, 1)),
        weight(normal_values(static_cast<std::size_t>(d), 1, 0.3f, 2)),
        d_y(normal_values(static_cast<std::size_t>(n * d), 0, 1, 3)) {}

  TensorView matrix(const std::vector<float>& m) const { return {m.data(), {rows, width}}; }
  TensorView weight_view() const { return {weight.data(), {width}}; }
};

struct Gradients {
  std::vector<float> x, weight, bias;

  explicit Gradients(const Problem& p)
      : x(p.x.size()), weight(p.weight.size()), bias(p.weight.size()) {}
};

using Backward = void (*)(TensorView, TensorView, float, const NormGradients&);

Gradients run(const Problem& p, Norm norm, Backward layer, Backward rms) {
  Gradients out(p);
  const NormGradients g{.d_y = p.matrix(p.d_y),
                        .d_x = MutableTensorView(out.x.data(), {p.rows, p.width}),
                        .d_weight = out.weight,
                        .d_bias = norm == Norm::layer ? std::span(out.bias) : std::span<float>()};
  (norm == Norm::layer ? layer : rms)(p.matrix(p.x), p.weight_view(), kEps, g);
  return out;
}

Gradients fast(const Problem& p, Norm norm) {
  return run(p, norm, layer_norm_backward, rms_norm_backward);
}
Gradients exact(const Problem& p, Norm norm) {
  return run(p, norm, layer_norm_backward_ref, rms_norm_backward_ref);
}

// The formula with single running fp32 sums.
Gradients naive(const Problem& p, Norm norm) {
  Gradients out(p);
  const auto d = static_cast<std::size_t>(p.width);
  const auto n = static_cast<float>(d);
  for (std::size_t r = 0; r < static_cast<std::size_t>(p.rows); ++r) {
    const float *x = p.x.data() + r * d, *d_y = p.d_y.data() + r * d;
    float mean = 0, squares = 0, g = 0, gn = 0;
    for (std::size_t i = 0; norm == Norm::layer && i < d; ++i) mean += x[i];
    mean /= n;
    for (std::size_t i = 0; i < d; ++i) squares += (x[i] - mean) * (x[i] - mean);
    const float scale = 1 / std::sqrt(squares / n + kEps);
    for (std::size_t i = 0; i < d; ++i) {
      const float unit = (x[i] - mean) * scale;
      g += d_y[i] * p.weight[i];
      gn += d_y[i] * p.weight[i] * unit;
      out.weight[i] += d_y[i] * unit;
      if (norm == Norm::layer) out.bias[i] += d_y[i];
    }
    for (std::size_t i = 0; i < d; ++i)
      out.x[r * d + i] = scale * (d_y[i] * p.weight[i] - (norm == Norm::layer ? g / n : 0) -
                                  (x[i] - mean) * scale * gn / n);
  }
  return out;
}

void expect_agrees(const Problem& p, Norm norm) {
  const Gradients a = fast(p, norm), b = naive(p, norm), c = exact(p, norm);
  const std::string where = fmt::format("{} x {}", p.rows, p.width);
  ASSERT_TRUE(agrees(a.x, b.x, c.x)) << where;
  ASSERT_TRUE(agrees(a.weight, b.weight, c.weight)) << where;
  ASSERT_TRUE(agrees(a.bias, b.bias, c.bias)) << where;
}

TEST(NormsBackward, EveryWidth) {
  on_every_target([] {
    for (const Norm norm : kBoth) {
      for (std::int64_t width = 2; width <= 70; ++width) expect_agrees(Problem(3, width), norm);
      for (const std::int64_t width : {288, 768, 1023}) expect_agrees(Problem(2, width), norm);
      for (const std::int64_t rows : {1, 15, 16, 17, 33, 700})
        expect_agrees(Problem(rows, 24), norm);
    }
  });
}

// A row of one value is its own mean: only rounding, times 1 / sqrt(eps), can flow to x.
TEST(NormsBackward, RowsOfOneValue) {
  on_every_target([] {
    for (const float d_x : fast(Problem(9, 1), Norm::layer).x) EXPECT_NEAR(d_x, 0, 1e-4f);
    expect_agrees(Problem(9, 1), Norm::rms);
  });
}

/// L = sum y . d_y in double, straight from the definition.
double loss(const Problem& p, Norm norm, const std::vector<double>& x,
            const std::vector<double>& weight, const std::vector<double>& bias) {
  double total = 0;
  const auto d = static_cast<std::size_t>(p.width);
  for (std::size_t at = 0; at < x.size(); at += d) {
    double mean = 0, squares = 0;
    for (std::size_t i = 0; norm == Norm::layer && i < d; ++i)
      mean += x[at + i] / static_cast<double>(d);
    for (std::size_t i = 0; i < d; ++i) squares += (x[at + i] - mean) * (x[at + i] - mean);
    const double scale =
        1 / std::sqrt(squares / static_cast<double>(d) + static_cast<double>(kEps));
    for (std::size_t i = 0; i < d; ++i)
      total += ((x[at + i] - mean) * scale * weight[i] + bias[i]) * p.d_y[at + i];
  }
  return total;
}

TEST(NormsBackward, TheReferenceMatchesFiniteDifferences) {
  const Problem p(4, 11);
  for (const Norm norm : kBoth) {
    const Gradients g = exact(p, norm);
    std::vector<double> x(p.x.begin(), p.x.end()), weight(p.weight.begin(), p.weight.end()),
        bias(p.weight.size());
    const auto expect_slopes = [&](std::vector<double>& of, const std::vector<float>& gradient) {
      const double h = 1e-5;
      for (std::size_t i = 0; i < of.size(); ++i) {
        const double keep = of[i];
        of[i] = keep + h;
        const double up = loss(p, norm, x, weight, bias);
        of[i] = keep - h;
        const double down = loss(p, norm, x, weight, bias);
        of[i] = keep;
        EXPECT_NEAR(gradient[i], (up - down) / (2 * h), 2e-6);
      }
    };
    expect_slopes(x, g.x);
    expect_slopes(weight, g.weight);
    if (norm == Norm::layer) expect_slopes(bias, g.bias);
  }
}

TEST(NormsBackward, AddsInPlaceAndOnAnyThreadsTheSame) {
  const Problem p(1000, 40);
  for (const Norm norm : kBoth) {
    const Gradients once = fast(p, norm);
    Gradients twice = once;
    std::vector<float> d_y = p.d_y;
    const MutableTensorView in_place(d_y.data(), {p.rows, p.width});
    const NormGradients g{.d_y = in_place,
                          .d_x = in_place,
                          .d_weight = twice.weight,
                          .d_bias = {},
                          .mode = GradientMode::add};
    set_threads(4);
    (norm == Norm::layer ? layer_norm_backward : rms_norm_backward)(p.matrix(p.x), p.weight_view(),
                                                                    kEps, g);
    const Gradients on_four = fast(p, norm);
    set_threads(0);
    EXPECT_EQ(d_y, once.x);
    for (std::size_t i = 0; i < once.weight.size(); ++i)
      EXPECT_NEAR(twice.weight[i], 2 * once.weight[i], 1e-4f);
    EXPECT_EQ(on_four.x, once.x);
    EXPECT_EQ(on_four.weight, once.weight);
    EXPECT_EQ(on_four.bias, once.bias);
  }
}

TEST(NormsBackward, NoRowsClearTheSums) {
  const Problem p(0, 5);
  Gradients g(p);
  g.weight.assign(5, 7.0f);
  layer_norm_backward(p.matrix(p.x), p.weight_view(), kEps,
                      {.d_y = p.matrix(p.d_y),
                       .d_x = MutableTensorView(g.x.data(), {0, 5}),
                       .d_weight = g.weight,
                       .d_bias = {}});
  EXPECT_EQ(g.weight, std::vector<float>(5, 0.0f));
}

TEST(NormsBackward, RefuseWhatDoesNotFit) {
  Problem p(2, 6);
  std::vector<float> d_x(12), five(5);
  const NormGradients good{
      .d_y = p.matrix(p.d_y), .d_x = MutableTensorView(d_x.data(), {2, 6}), .d_weight = {}};
  NormGradients bad = good;
  bad.d_weight = five;
  expect_error([&] { rms_norm_backward(p.matrix(p.x), p.weight_view(), kEps, bad); },
               {"[rms_norm_backward]", "5", "6"});
  bad = good;
  bad.d_bias = std::span(d_x).first(6);
  expect_error([&] { rms_norm_backward(p.matrix(p.x), p.weight_view(), kEps, bad); },
               {"[rms_norm_backward]", "d_bias"});
  bad = good;
  bad.d_y = TensorView(p.d_y.data(), {3, 4});
  expect_error([&] { layer_norm_backward(p.matrix(p.x), p.weight_view(), kEps, bad); },
               {"[layer_norm_backward]", "[2, 6]", "[3, 4]"});
}

// The comparison must be able to fail: RMSNorm's gradient is not LayerNorm's.
TEST(NormsBackward, AWrongGradientIsCaught) {
  const Problem p(3, 40);
  EXPECT_FALSE(agrees(fast(p, Norm::rms).x, naive(p, Norm::layer).x, exact(p, Norm::layer).x));
}

}  // namespace
}  // namespace headlight
