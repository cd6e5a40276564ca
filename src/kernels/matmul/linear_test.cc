#include "kernels/matmul/matmul.h"

#include <gtest/gtest.h>

#include <cstring>
#include <numeric>
#include <thread>

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

struct Problem {
  std::int64_t rows, k, n;
};

// x [rows, k], weight [k, n] and bias [n] with the result three ways.
struct Case {
  Problem p;
  std::vector<float> x, weight, bias;

  Case(const Problem& problem)
      : p(problem),
        x(normal_values(static_cast<std::size_t>(p.rows * p.k), 0, 1, 1)),
        weight(normal_values(static_cast<std::size_t>(p.k * p.n), 0, 1, 2)),
        bias(normal_values(static_cast<std::size_t>(p.n), 0, 1, 3)) {}

  TensorView x_view() const { return {x.data(), {p.rows, p.k}}; }
  TensorView weight_view() const { return {weight.data(), {p.k, p.n}}; }
  TensorView bias_view() const { return {bias.data(), {p.n}}; }
  std::vector<float> output() const { return std::vector<float>(std::size_t(p.rows * p.n), -7); }
  MutableTensorView output_view(std::vector<float>& y) const { return {y.data(), {p.rows, p.n}}; }

  std::vector<float> reference() const {
    std::vector<float> y = output();
    matmul_ref(x_view(), weight_view(), output_view(y));
    for (std::size_t i = 0; i < y.size(); ++i) y[i] += bias[i % bias.size()];
    return y;
  }

  // One fp32 running sum for each value.
  std::vector<float> naive() const {
    std::vector<float> y = output();
    for (std::size_t i = 0; i < y.size(); ++i) {
      const std::size_t row = i / bias.size(), column = i % bias.size();
      const auto k = static_cast<std::size_t>(p.k);
      float sum = 0;
      for (std::size_t j = 0; j < k; ++j) sum += x[row * k + j] * weight[j * bias.size() + column];
      y[i] = sum + bias[column];
    }
    return y;
  }

  std::vector<float> fast(const Linear& linear) const {
    std::vector<float> y = output();
    linear.apply(x_view(), output_view(y));
    return y;
  }
};

// [n, k] from [k, n].
std::vector<float> transposed(const std::vector<float>& from, std::int64_t k, std::int64_t n) {
  std::vector<float> to(from.size());
  for (std::int64_t i = 0; i < k; ++i)
    for (std::int64_t j = 0; j < n; ++j) to[std::size_t(j * k + i)] = from[std::size_t(i * n + j)];
  return to;
}

// All row counts of one layer are compared together: over the few values of the smallest of them,
// the naive method may be off by nothing.
void expect_agreement_over_rows(std::int64_t k, std::int64_t n) {
  std::vector<float> fast, naive, reference;
  const auto append = [](std::vector<float>& to, const std::vector<float>& more) {
    to.insert(to.end(), more.begin(), more.end());
  };
  for (const std::int64_t rows : {1, 2, 3, 5, 6, 7, 14, 15, 16, 31, 128, 130}) {
    const Case c({rows, k, n});
    const Linear linear(c.weight_view(), WeightLayout::in_out, c.bias_view());
    append(fast, c.fast(linear));
    append(naive, c.naive());
    append(reference, c.reference());
  }
  ASSERT_TRUE(agrees(fast, naive, reference)) << k << "x" << n;
}

TEST(Linear, AgreesWithTheReferenceOverShapesOnEveryTarget) {
  on_every_target([] {
    for (const std::int64_t k : {1, 3, 17, 64, 288})
      for (const std::int64_t n : {1, 2, 15, 48, 65, 192}) expect_agreement_over_rows(k, n);
  });
}

// Several chunks of k, and several times that c is added to.
TEST(Linear, AgreesWithTheReferenceOverLongSums) {
  for (const std::int64_t k : {511, 513, 1024, 1025, 2600}) expect_agreement_over_rows(k, 50);
}

TEST(Linear, OneLayerServesManyRowCounts) {
  const Case widest({150, 64, 96});
  const Linear linear(widest.weight_view(), WeightLayout::in_out, widest.bias_view());
  for (std::int64_t rows = 1; rows <= 150; ++rows) {
    Case c({rows, 64, 96});
    ASSERT_TRUE(agrees(c.fast(linear), c.naive(), c.reference())) << rows;
  }
  EXPECT_TRUE(agrees(widest.fast(linear), widest.naive(), widest.reference()));
}

TEST(Linear, BothWeightLayouts) {
  const Case c({9, 40, 24});
  const std::vector<float> out_in = transposed(c.weight, c.p.k, c.p.n);
  const Linear linear(TensorView(out_in.data(), {c.p.n, c.p.k}), WeightLayout::out_in,
                      c.bias_view());
  EXPECT_EQ(linear.in_features(), 40);
  EXPECT_EQ(linear.out_features(), 24);
  EXPECT_TRUE(agrees(c.fast(linear), c.naive(), c.reference()));
}

// Exactly the values that the weight holds, whichever path reads them: few rows or many, odd k.
template <class T>
void expect_sixteen_bits_widened(const Problem& p, T (*round)(float)) {
  Case c(p);
  std::vector<T> stored;
  for (float& w : c.weight) {
    stored.push_back(round(w));
    w = to_float(stored.back());
  }
  std::vector<T> turned(stored.size());
  for (std::int64_t i = 0; i < p.k; ++i)
    for (std::int64_t j = 0; j < p.n; ++j)
      turned[std::size_t(j * p.k + i)] = stored[std::size_t(i * p.n + j)];
  const Linear in_out(TensorView(stored.data(), {p.k, p.n}), WeightLayout::in_out, c.bias_view());
  const Linear out_in(TensorView(turned.data(), {p.n, p.k}), WeightLayout::out_in, c.bias_view());
  ASSERT_TRUE(agrees(c.fast(in_out), c.naive(), c.reference())) << p.rows << "x" << p.k;
  ASSERT_EQ(c.fast(out_in), c.fast(in_out));
}

TEST(Linear, SixteenBitWeightsAreWidened) {
  on_every_target([] {
    for (const std::int64_t rows : {1, 3, 7, 20, 40})
      for (const std::int64_t k : {1, 2, 33, 64, 1023, 1027}) {
        expect_sixteen_bits_widened<BFloat16>({rows, k, 43}, to_bfloat16);
        expect_sixteen_bits_widened<Float16>({rows, k, 43}, to_float16);
      }
  });
}

// Rows inside wider rows: fused projections read and write such slices.
TEST(Linear, StridedRowsAndWeights) {
  const Case c({7, 24, 10});
  std::vector<float> wide_x(7 * 40), wide_y(7 * 30, -7), wide_weight(24 * 33);
  for (std::size_t r = 0; r < 7; ++r)
    std::copy_n(c.x.data() + r * 24, 24, wide_x.data() + r * 40 + 3);
  for (std::size_t r = 0; r < 24; ++r)
    std::copy_n(c.weight.data() + r * 10, 10, wide_weight.data() + r * 33 + 5);
  const Linear linear(TensorView(wide_weight.data() + 5, {24, 10}, {33, 1}), WeightLayout::in_out,
                      c.bias_view());
  linear.apply(TensorView(wide_x.data() + 3, {7, 24}, {40, 1}),
               MutableTensorView(wide_y.data() + 11, {7, 10}, {30, 1}));
  std::vector<float> y;
  for (std::size_t r = 0; r < 7; ++r) {
    for (std::size_t j = 0; j < 30; ++j) {
      const float value = wide_y[r * 30 + j];
      if (j >= 11 && j < 21)
        y.push_back(value);
      else
        ASSERT_EQ(value, -7) << "wrote outside its slice at " << r << "," << j;
    }
  }
  EXPECT_TRUE(agrees(y, c.naive(), c.reference()));
}

TEST(Linear, TheStrideOfASingleRowIsFree) {
  const Case c({1, 24, 10});
  const Linear linear(c.weight_view(), WeightLayout::in_out, c.bias_view());
  std::vector<float> y = c.output();
  linear.apply(TensorView(c.x.data(), {1, 24}, {0, 1}),
               MutableTensorView(y.data(), {1, 10}, {1, 1}));
  EXPECT_TRUE(agrees(y, c.naive(), c.reference()));
}

// Memory-mapped weights start at any multiple of their element size.
TEST(Linear, UnalignedWeightAndRows) {
  const Case c({6, 32, 16});
  std::vector<float> memory(c.weight.size() + 1), rows(c.x.size() + 1), y(6 * 16 + 1);
  std::copy(c.weight.begin(), c.weight.end(), memory.begin() + 1);
  std::copy(c.x.begin(), c.x.end(), rows.begin() + 1);
  const Linear linear(TensorView(memory.data() + 1, {32, 16}), WeightLayout::in_out, c.bias_view());
  linear.apply(TensorView(rows.data() + 1, {6, 32}), MutableTensorView(y.data() + 1, {6, 16}));
  EXPECT_TRUE(agrees(std::span(y).subspan(1), c.naive(), c.reference()));
}

TEST(Linear, NoRowsIsNoWork) {
  const Case c({0, 8, 8});
  const Linear linear(c.weight_view(), WeightLayout::in_out, c.bias_view());
  std::vector<float> y(1, 5);
  linear.apply(c.x_view(), c.output_view(y));
  EXPECT_EQ(y[0], 5);
}

TEST(Linear, AnyThreadCountFromAnyThread) {
  const Case c({64, 96, 200});
  const Linear linear(c.weight_view(), WeightLayout::in_out, c.bias_view());
  set_threads(1);
  const std::vector<float> one = c.fast(linear);
  set_threads(3);
  std::vector<float> from_another_thread;
  std::thread([&] { from_another_thread = c.fast(linear); }).join();
  set_threads(0);
  EXPECT_TRUE(agrees(one, c.naive(), c.reference()));
  EXPECT_EQ(from_another_thread, one);
}

TEST(Linear, RefusesWhatDoesNotFit) {
  const Case c({4, 8, 6});
  const Linear linear(c.weight_view(), WeightLayout::in_out, c.bias_view());
  std::vector<float> y(4 * 6);
  expect_error(
      [&] {
        linear.apply(TensorView(c.x.data(), {4, 6}), c.output_view(y));
      },
      {"[matmul]", "[4, 6]", "[8, 6]", "[rows, 8]"});
  expect_error(
      [&] {
        linear.apply(c.x_view(), MutableTensorView(y.data(), {3, 6}));
      },
      {"[4, 8]", "[3, 6]"});
  expect_error(
      [&] {
        linear.apply(c.x_view(), MutableTensorView(y.data(), {4, 6}, {1, 6}));
      },
      {"[matmul]", "inner stride 6"});
  expect_error([&] { Linear(c.weight_view(), WeightLayout::in_out, TensorView(y.data(), {5})); },
               {"bias [5]", "[8, 6]", "[6]"});
  expect_error([&] { Linear(TensorView(y.data(), {24}), WeightLayout::in_out); }, {"[24]"});
  expect_error([&] { Linear(TensorView(y.data(), {0, 4}), WeightLayout::in_out); }, {"[0, 4]"});
  const std::vector<double> wide(4);
  expect_error([&] { Linear(TensorView(wide.data(), {2, 2}), WeightLayout::in_out); }, {"f64"});
  expect_error([&] { Linear().apply(c.x_view(), c.output_view(y)); }, {"[matmul]", "no weight"});
  expect_error([&] { matmul_ref(c.x_view(), c.x_view(), c.output_view(y)); },
               {"[4, 8]", "8 and 4"});
}

TEST(Linear, NanReachesOnlyItsOwnRow) {
  Case c({3, 20, 20});
  c.x[20] = std::nanf("");
  const Linear linear(c.weight_view(), WeightLayout::in_out, c.bias_view());
  EXPECT_TRUE(agrees(c.fast(linear), c.naive(), c.reference()));
}

// The comparison must be able to fail: one weight off in the fourth digit is enough.
TEST(Linear, AWrongWeightIsCaught) {
  const Case c({16, 64, 32});
  std::vector<float> wrong = c.weight;
  wrong[100] *= 1.0005f;
  const Linear linear(TensorView(wrong.data(), {64, 32}), WeightLayout::in_out, c.bias_view());
  EXPECT_FALSE(agrees(c.fast(linear), c.naive(), c.reference()));
}

}  // namespace
}  // namespace headlight
