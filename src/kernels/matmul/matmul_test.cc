#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "core/threads.h"
#include "kernels/matmul/matmul.h"
#include "support/expect_error.h"
#include "support/tolerance.h"
#include "support/vector_targets.h"

namespace headlight {
namespace {

using testing::agrees;
using testing::expect_error;
using testing::normal_values;
using testing::on_every_target;

/// A random matrix in memory that is wider than it, or its transpose.
struct Operand {
  std::vector<float> memory;
  TensorView view;

  Operand(std::int64_t rows, std::int64_t columns, bool turned, std::uint32_t seed) {
    const std::int64_t outer = turned ? columns : rows, inner = turned ? rows : columns;
    const std::int64_t stride = inner + 3;
    memory = normal_values(static_cast<std::size_t>(outer * stride + 1), 0, 1, seed);
    const Shape strides = turned ? Shape{1, stride} : Shape{stride, 1};
    view = TensorView(memory.data() + 1, {rows, columns}, strides);
  }
  float at(std::int64_t i, std::int64_t j) const {
    return view.as<float>()[i * view.stride(0) + j * view.stride(1)];
  }
};

/// c [m, n] inside rows of n + 2 floats, which nothing may touch beside it.
struct Output {
  std::int64_t m, n;
  std::vector<float> memory;

  Output(std::int64_t rows, std::int64_t columns)
      : m(rows),
        n(columns),
        memory(normal_values(static_cast<std::size_t>(rows * (columns + 2)), 0, 1, 77)) {}
  MutableTensorView view() { return {memory.data(), {m, n}, {n + 2, 1}}; }
};

/// The textbook loop in fp32.
void naive(const Operand& a, const Operand& b, Output& c, bool accumulate) {
  for (std::int64_t i = 0; i < c.m; ++i)
    for (std::int64_t j = 0; j < c.n; ++j) {
      float& to = c.memory[static_cast<std::size_t>(i * (c.n + 2) + j)];
      float sum = accumulate ? to : 0;
      for (std::int64_t p = 0; p < a.view.dim(1); ++p) sum += a.at(i, p) * b.at(p, j);
      to = sum;
    }
}

struct Sizes {
  std::int64_t m, n, k;
};

void expect_agreement(const Sizes& s, bool turn_a, bool turn_b, bool accumulate) {
  const Operand a(s.m, s.k, turn_a, 1), b(s.k, s.n, turn_b, 2);
  Output fast(s.m, s.n), slow(s.m, s.n), reference(s.m, s.n);
  matmul(a.view, b.view, fast.view(), {.accumulate = accumulate});
  naive(a, b, slow, accumulate);
  matmul_ref(a.view, b.view, reference.view(), {.accumulate = accumulate});
  ASSERT_TRUE(agrees(fast.memory, slow.memory, reference.memory))
      << s.m << "x" << s.n << "x" << s.k << (turn_a ? " a^T" : "") << (turn_b ? " b^T" : "")
      << (accumulate ? " accumulate" : "");
}

void sweep(const std::vector<Sizes>& sizes) {
  for (const Sizes& s : sizes)
    for (const bool turn_a : {false, true})
      for (const bool turn_b : {false, true})
        for (const bool accumulate : {false, true}) {
          expect_agreement(s, turn_a, turn_b, accumulate);
          if (::testing::Test::HasFatalFailure()) return;
        }
}

std::vector<Sizes> small_sizes() {
  std::vector<Sizes> sizes;
  for (const std::int64_t m : {1, 2, 7, 8, 15, 33})
    for (const std::int64_t n : {1, 3, 16, 31, 65})
      for (const std::int64_t k : {0, 1, 5, 64}) sizes.push_back({m, n, k});
  return sizes;
}

TEST(Matmul, AgreesWithTheReferenceOnEveryTarget) {
  on_every_target([] { sweep(small_sizes()); });
}

// Past every cache block: several of m, n and k.
TEST(Matmul, AgreesWithTheReferenceWhereItIsCutIntoBlocks) {
  sweep({{301, 130, 70}, {70, 90, 1300}, {5, 2100, 40}, {530, 9, 600}});
}

TEST(Matmul, AnyThreadCountGivesTheSameBits) {
  const Operand a(330, 200, false, 1), b(200, 150, true, 2);
  Output alone(330, 150);
  set_threads(1);
  matmul(a.view, b.view, alone.view());
  for (const int count : {1, 2, 3, 5}) {
    set_threads(count);
    expect_agreement({130, 150, 200}, false, true, true);
    expect_agreement({3, 700, 200}, true, false, false);
    Output together(330, 150);
    matmul(a.view, b.view, together.view());
    EXPECT_EQ(together.memory, alone.memory) << count;
  }
  set_threads(0);
}

TEST(Matmul, NoRowsAndNoColumnsAreNoWork) {
  sweep({{0, 4, 3}, {4, 0, 3}, {0, 0, 0}});
}

TEST(Matmul, NanReachesOnlyItsRowAndColumn) {
  Operand a(20, 24, false, 1);
  const Operand b(24, 40, false, 2);
  a.memory[1 + 5 * 27 + 3] = std::nanf("");
  Output fast(20, 40), slow(20, 40), reference(20, 40);
  matmul(a.view, b.view, fast.view());
  naive(a, b, slow, false);
  matmul_ref(a.view, b.view, reference.view());
  EXPECT_TRUE(agrees(fast.memory, slow.memory, reference.memory));
}

// The comparison must be able to fail: one factor off in the fourth digit is enough.
TEST(Matmul, AWrongFactorIsCaught) {
  Operand a(20, 24, false, 1);
  const Operand b(24, 40, false, 2);
  Output fast(20, 40), slow(20, 40), reference(20, 40);
  naive(a, b, slow, false);
  matmul_ref(a.view, b.view, reference.view());
  a.memory[1 + 5 * 27 + 3] *= 1.001f;
  matmul(a.view, b.view, fast.view());
  EXPECT_FALSE(agrees(fast.memory, slow.memory, reference.memory));
}

TEST(Matmul, RefusesWhatDoesNotFit) {
  const std::vector<float> data(64);
  std::vector<float> to(64);
  const TensorView a(data.data(), {4, 8}), b(data.data(), {8, 6});
  expect_error(
      [&] {
        matmul(a, a, MutableTensorView(to.data(), {4, 8}));
      },
      {"[matmul]", "[4, 8]", "8 and 4"});
  expect_error(
      [&] {
        matmul(a, b, MutableTensorView(to.data(), {4, 5}));
      },
      {"[8, 6]", "[4, 6]", "[4, 5]"});
  expect_error(
      [&] {
        matmul(a, b, MutableTensorView(to.data(), {4, 6}, {1, 4}));
      },
      {"c [4, 6]", "contiguous"});
  expect_error(
      [&] {
        matmul(a, b, MutableTensorView(to.data(), {4, 6}, {3, 1}));
      },
      {"c [4, 6]", "overlap"});
  const TensorView spread(data.data(), {4, 8}, {16, 2});
  expect_error(
      [&] {
        matmul(spread, b, MutableTensorView(to.data(), {4, 6}));
      },
      {"a [4, 8]", "[16, 2]"});
  const std::vector<double> wide(32);
  expect_error(
      [&] {
        matmul(TensorView(wide.data(), {4, 8}), b, MutableTensorView(to.data(), {4, 6}));
      },
      {"f64"});
}

// y = x W + b, whose gradients for a loss sum(dy * y) are linear: each is one product.
class LinearBackward : public ::testing::TestWithParam<WeightLayout> {
 protected:
  static constexpr std::int64_t kIn = 37, kOut = 21, kRows = 50;
  Shape weight_shape() const {
    return GetParam() == WeightLayout::out_in ? Shape{kOut, kIn} : Shape{kIn, kOut};
  }
  bool turned() const { return GetParam() == WeightLayout::out_in; }
};

TEST_P(LinearBackward, OfTheInput) {
  const Operand dy(kRows, kOut, false, 1);
  const Operand w(kIn, kOut, turned(), 2);  // as [k, n]
  const TensorView stored =
      turned() ? TensorView(w.view.data(), DType::f32, weight_shape(), {w.view.stride(1), 1})
               : w.view;
  Output fast(kRows, kIn), slow(kRows, kIn), reference(kRows, kIn);
  linear_backward_input(dy.view, stored, GetParam(), fast.view(), {.accumulate = true});
  Operand back(kOut, kIn, false, 3);
  back.view =
      TensorView(w.view.data(), DType::f32, {kOut, kIn}, {w.view.stride(1), w.view.stride(0)});
  naive(dy, back, slow, true);
  matmul_ref(dy.view, back.view, reference.view(), {.accumulate = true});
  EXPECT_TRUE(agrees(fast.memory, slow.memory, reference.memory));
}

TEST_P(LinearBackward, OfTheWeight) {
  const Operand x(kRows, kIn, false, 1), dy(kRows, kOut, false, 2);
  const Shape shape = weight_shape();
  for (const bool accumulate : {false, true}) {
    Output fast(shape[0], shape[1]), slow(shape[0], shape[1]), reference(shape[0], shape[1]);
    linear_backward_weight(x.view, dy.view, GetParam(), fast.view(), {.accumulate = accumulate});
    const Operand& left = turned() ? dy : x;
    const Operand& right = turned() ? x : dy;
    Operand left_t(1, 1, false, 1);
    left_t.view = TensorView(left.view.data(), DType::f32, {left.view.dim(1), kRows},
                             {1, left.view.stride(0)});
    naive(left_t, right, slow, accumulate);
    matmul_ref(left_t.view, right.view, reference.view(), {.accumulate = accumulate});
    EXPECT_TRUE(agrees(fast.memory, slow.memory, reference.memory)) << accumulate;
  }
}

INSTANTIATE_TEST_SUITE_P(Layouts, LinearBackward,
                         ::testing::Values(WeightLayout::out_in, WeightLayout::in_out));

// Both terms, of which either may be missing; past every block of k and n.
TEST_P(LinearBackward, ForwardAddsBiasAndResidual) {
  for (const Sizes& s : {Sizes{kRows, kOut, kIn}, Sizes{5, 70, 1300}, Sizes{3, 2100, 40}}) {
    const Operand x(s.m, s.k, false, 1), w(s.k, s.n, turned(), 2), residual(s.m, s.n, false, 3);
    const TensorView stored =
        turned() ? TensorView(w.view.data(), DType::f32, {s.n, s.k}, {w.view.stride(1), 1})
                 : w.view;
    const std::vector<float> bias = normal_values(static_cast<std::size_t>(s.n), 0, 1, 4);
    for (const bool with_bias : {false, true})
      for (const bool with_residual : {false, true}) {
        Output fast(s.m, s.n), slow(s.m, s.n);
        for (std::int64_t i = 0; i < s.m; ++i)
          for (std::int64_t j = 0; j < s.n; ++j)
            slow.memory[static_cast<std::size_t>(i * (s.n + 2) + j)] =
                (with_bias ? bias[static_cast<std::size_t>(j)] : 0) +
                (with_residual ? residual.at(i, j) : 0);
        Output reference = slow;
        linear_forward(x.view, stored, GetParam(), fast.view(),
                       {.bias = with_bias ? TensorView(bias.data(), {s.n}) : TensorView(),
                        .residual = with_residual ? residual.view : TensorView()});
        naive(x, w, slow, true);
        matmul_ref(x.view, w.view, reference.view(), {.accumulate = true});
        EXPECT_TRUE(agrees(fast.memory, slow.memory, reference.memory))
            << s.m << "x" << s.n << "x" << s.k << (with_bias ? " bias" : "")
            << (with_residual ? " residual" : "");
      }
  }
}

TEST(LinearForward, RefusesTermsThatDoNotFit) {
  const std::vector<float> data(64);
  std::vector<float> to(64);
  const TensorView x(data.data(), {4, 8}), w(data.data(), {6, 8});
  const MutableTensorView y(to.data(), {4, 6});
  expect_error(
      [&] {
        linear_forward(x, w, WeightLayout::out_in, y, {.bias = TensorView(data.data(), {5})});
      },
      {"[matmul]", "bias [5]", "[4, 6]"});
  expect_error(
      [&] {
        linear_forward(x, w, WeightLayout::out_in, y,
                       {.residual = TensorView(data.data(), {3, 6})});
      },
      {"[matmul]", "residual [3, 6]", "[4, 6]"});
}

TEST(LinearBackwardBias, SumsTheRows) {
  for (const std::int64_t width : {1, 63, 64, 65, 128, 200, 300})
    for (const std::int64_t rows : {0, 1, 77}) {
      const Operand dy(rows, width, false, 5);
      for (const bool accumulate : {false, true}) {
        std::vector<float> fast(static_cast<std::size_t>(width), 0.5f), slow = fast, exact = fast;
        linear_backward_bias(dy.view, MutableTensorView(fast.data(), {width}),
                             {.accumulate = accumulate});
        for (std::int64_t j = 0; j < width; ++j) {
          float sum = accumulate ? 0.5f : 0;
          double wide = sum;
          for (std::int64_t r = 0; r < rows; ++r) sum += dy.at(r, j), wide += dy.at(r, j);
          slow[static_cast<std::size_t>(j)] = sum;
          exact[static_cast<std::size_t>(j)] = static_cast<float>(wide);
        }
        EXPECT_TRUE(agrees(fast, slow, exact)) << rows << "x" << width;
      }
    }
  std::vector<float> db(4);
  expect_error(
      [&] {
        linear_backward_bias(Operand(3, 5, false, 1).view, MutableTensorView(db.data(), {4}));
      },
      {"[matmul]", "d_bias [4]", "[3, 5]"});
}

}  // namespace
}  // namespace headlight
