#include "kernels/norms/norms.h"

#include <gtest/gtest.h>

#include <cmath>

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

struct Row {
  std::vector<float> x, weight, bias;

  Row(std::size_t n, float mean, float spread)
      : x(normal_values(n, mean, spread, 1)),
        weight(normal_values(n, 1, 0.3f, 2)),
        bias(normal_values(n, 0, 0.3f, 3)) {}

  std::int64_t width() const { return static_cast<std::int64_t>(x.size()); }
  TensorView x_view() const { return {x.data(), {1, width()}}; }
  TensorView weight_view() const { return {weight.data(), {width()}}; }
  TensorView bias_view() const { return {bias.data(), {width()}}; }
};

// Two passes with single running fp32 sums.
std::vector<float> naive_layer_norm(const Row& row) {
  const auto n = static_cast<float>(row.x.size());
  float mean = 0, var = 0;
  for (const float v : row.x) mean += v;
  mean /= n;
  for (const float v : row.x) var += (v - mean) * (v - mean);
  const float scale = 1 / std::sqrt(var / n + kEps);
  std::vector<float> y;
  for (std::size_t i = 0; i < row.x.size(); ++i)
    y.push_back((row.x[i] - mean) * scale * row.weight[i] + row.bias[i]);
  return y;
}

std::vector<float> naive_rms_norm(const Row& row) {
  float squares = 0;
  for (const float v : row.x) squares += v * v;
  const float scale = 1 / std::sqrt(squares / static_cast<float>(row.x.size()) + kEps);
  std::vector<float> y;
  for (std::size_t i = 0; i < row.x.size(); ++i) y.push_back(row.x[i] * scale * row.weight[i]);
  return y;
}

template <class Norm>
std::vector<float> run(const Row& row, const Norm& norm) {
  std::vector<float> y(row.x.size());
  norm(MutableTensorView(y.data(), {1, row.width()}));
  return y;
}

void expect_layer_norm(const Row& row) {
  const auto fast = run(row, [&](MutableTensorView y) {
    layer_norm(row.x_view(), row.weight_view(), row.bias_view(), kEps, y);
  });
  const auto exact = run(row, [&](MutableTensorView y) {
    layer_norm_ref(row.x_view(), row.weight_view(), row.bias_view(), kEps, y);
  });
  ASSERT_TRUE(agrees(fast, naive_layer_norm(row), exact)) << "width " << row.x.size();
}

void expect_rms_norm(const Row& row) {
  const auto fast =
      run(row, [&](MutableTensorView y) { rms_norm(row.x_view(), row.weight_view(), kEps, y); });
  const auto exact = run(
      row, [&](MutableTensorView y) { rms_norm_ref(row.x_view(), row.weight_view(), kEps, y); });
  ASSERT_TRUE(agrees(fast, naive_rms_norm(row), exact)) << "width " << row.x.size();
}

TEST(Norms, EveryWidth) {
  on_every_target([] {
    for (std::size_t n = 1; n <= 100; ++n) {
      expect_layer_norm(Row(n, 0.3f, 2));
      expect_rms_norm(Row(n, 0.3f, 2));
    }
    for (const std::size_t n : {288u, 384u, 768u, 1023u, 4096u}) {
      expect_layer_norm(Row(n, 0.3f, 2));
      expect_rms_norm(Row(n, 0.3f, 2));
    }
  });
}

TEST(Norms, LargeOffsetsKeepTheirAccuracy) {
  on_every_target([] {
    for (const std::size_t n : {16u, 48u, 385u, 4096u}) {
      expect_layer_norm(Row(n, 1e4f, 1));
      expect_layer_norm(Row(n, -1e6f, 1));
      expect_layer_norm(Row(n, 0, 1e-4f));
      expect_rms_norm(Row(n, 1e4f, 1));
    }
  });
}

// Beyond the bar: against the double reference itself, where naive sums are off by 1e-3.
TEST(Norms, LayerNormCorrectsItsMean) {
  on_every_target([] {
    const Row row(4096, 1e4f, 1);
    const auto fast = run(row, [&](MutableTensorView y) {
      layer_norm(row.x_view(), row.weight_view(), row.bias_view(), kEps, y);
    });
    const auto exact = run(row, [&](MutableTensorView y) {
      layer_norm_ref(row.x_view(), row.weight_view(), row.bias_view(), kEps, y);
    });
    EXPECT_LT(testing::largest_error(fast, exact), 5e-6);
  });
}

TEST(Norms, ConstantRowsGiveTheBias) {
  on_every_target([] {
    Row row(33, 0, 1);
    row.x.assign(33, 12345.678f);
    const auto fast = run(row, [&](MutableTensorView y) {
      layer_norm(row.x_view(), row.weight_view(), row.bias_view(), kEps, y);
    });
    for (std::size_t i = 0; i < 33; ++i) EXPECT_NEAR(fast[i], row.bias[i], 1e-5f);
  });
}

TEST(Norms, InPlaceStridedUnalignedRowsOnThreads) {
  on_every_target([] {
    constexpr std::int64_t kRows = 600, kWidth = 77, kStride = 80;
    const Row parameters(kWidth, 0, 1);
    std::vector<float> x = normal_values(kRows * kStride + 1, 1, 3, 9);
    const std::vector<float> before = x;
    const MutableTensorView view(x.data() + 1, {kRows, kWidth}, {kStride, 1});
    layer_norm(view, parameters.weight_view(), parameters.bias_view(), kEps, view);
    for (std::size_t r = 0; r < kRows; ++r) {
      Row row = parameters;
      std::copy_n(before.data() + 1 + r * kStride, kWidth, row.x.data());
      const auto exact = run(row, [&](MutableTensorView y) {
        layer_norm_ref(row.x_view(), row.weight_view(), row.bias_view(), kEps, y);
      });
      const std::span<const float> fast(x.data() + 1 + r * kStride, kWidth);
      ASSERT_TRUE(agrees(fast, naive_layer_norm(row), exact)) << r;
      ASSERT_EQ(x[r * kStride + kWidth + 1], before[r * kStride + kWidth + 1]) << "touched the gap";
    }
  });
}

TEST(Norms, NoBiasAndNoRows) {
  Row row(20, 0, 1);
  const auto without = run(
      row, [&](MutableTensorView y) { layer_norm(row.x_view(), row.weight_view(), {}, kEps, y); });
  row.bias.assign(20, 0);
  EXPECT_TRUE(agrees(without, naive_layer_norm(row), naive_layer_norm(row)));
  layer_norm(TensorView(row.x.data(), {0, 20}), row.weight_view(), {}, kEps,
             MutableTensorView(row.x.data(), {0, 20}));
}

TEST(Norms, RefuseWhatDoesNotFit) {
  const Row row(6, 0, 1);
  std::vector<float> y(6);
  const MutableTensorView out(y.data(), {1, 6});
  expect_error([&] { rms_norm(row.x_view(), TensorView(y.data(), {5}), kEps, out); },
               {"[rms_norm]", "weight [5]", "width 6"});
  expect_error([&] { rms_norm(row.x_view(), {}, kEps, out); }, {"[rms_norm]", "weight"});
  expect_error(
      [&] {
        layer_norm(row.x_view(), row.weight_view(), TensorView(y.data(), {2, 3}), kEps, out);
      },
      {"[layer_norm]", "bias [2, 3]", "[6]"});
  expect_error(
      [&] {
        rms_norm(row.x_view(), row.weight_view(), kEps, {y.data(), {2, 3}});
      },
      {"[1, 6]", "[2, 3]"});
  expect_error([&] { rms_norm(row.x_view(), row.weight_view(), -1, out); }, {"eps", "-1"});
  expect_error(
      [&] {
        rms_norm(TensorView(y.data(), {6, 0}), row.weight_view(), kEps, out);
      },
      {"[6, 0]"});
}

// The comparison must be able to fail: an unbiased variance is a different function.
TEST(Norms, AWrongVarianceIsCaught) {
  const Row row(384, 0.3f, 2);
  const auto exact = run(row, [&](MutableTensorView y) {
    layer_norm_ref(row.x_view(), row.weight_view(), row.bias_view(), kEps, y);
  });
  std::vector<float> wrong = exact;
  for (std::size_t i = 0; i < wrong.size(); ++i)
    wrong[i] = (wrong[i] - row.bias[i]) * std::sqrt(383.0f / 384.0f) + row.bias[i];
  EXPECT_FALSE(agrees(wrong, naive_layer_norm(row), exact));
}

}  // namespace
}  // namespace headlight
