#include "kernels/cross_entropy.h"

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

struct Problem {
  std::int64_t rows, classes;
  std::vector<float> logits;
  std::vector<std::int64_t> targets;

  Problem(std::int64_t n, std::int64_t width, float mean = 0)
      : rows(n),
        classes(width),
        logits(normal_values(static_cast<std::size_t>(n * width), mean, 2)) {
    for (std::int64_t r = 0; r < rows; ++r)
      targets.push_back(r % 5 == 3 ? kIgnoredTarget : r * 7 % classes);
  }
  TensorView view() const { return {logits.data(), {rows, classes}}; }
};

// The formula with every number in fp32.
std::vector<float> naive_gradient(const Problem& p, float d_loss) {
  std::vector<float> d(p.logits.size());
  const auto n = static_cast<std::size_t>(p.classes);
  for (std::size_t r = 0; r < p.targets.size(); ++r) {
    if (p.targets[r] == kIgnoredTarget) continue;
    const float* x = p.logits.data() + r * n;
    const float max = *std::max_element(x, x + n);
    float sum = 0;
    for (std::size_t j = 0; j < n; ++j) sum += std::exp(x[j] - max);
    for (std::size_t j = 0; j < n; ++j)
      d[r * n + j] = d_loss * (std::exp(x[j] - max) / sum -
                               (static_cast<std::int64_t>(j) == p.targets[r] ? 1.0f : 0.0f));
  }
  return d;
}

TEST(CrossEntropy, AgreesWithTheReferenceAtEveryWidth) {
  on_every_target([] {
    std::vector<std::int64_t> widths = {255, 4096};
    for (std::int64_t w = 1; w <= 40; ++w) widths.push_back(w);
    for (const std::int64_t width : widths) {
      const Problem p(11, width, 3);
      std::vector<float> fast(p.logits.size(), 9.0f), exact(p.logits.size(), 9.0f);
      const Shape shape{p.rows, p.classes};
      const auto a = cross_entropy(p.view(), p.targets, MutableTensorView(fast.data(), shape), 0.5);
      const auto b =
          cross_entropy_ref(p.view(), p.targets, MutableTensorView(exact.data(), shape), 0.5);
      EXPECT_TRUE(agrees(fast, naive_gradient(p, 0.5f), exact)) << width;
      EXPECT_NEAR(a.loss, b.loss, 1e-5 * static_cast<double>(p.rows)) << width;
      EXPECT_EQ(a.rows, 9);
      EXPECT_EQ(b.rows, 9);
      EXPECT_EQ(cross_entropy(p.view(), p.targets).loss, a.loss);
    }
  });
}

TEST(CrossEntropy, TheReferenceMatchesFiniteDifferences) {
  const Problem p(6, 7);
  std::vector<float> d(p.logits.size());
  cross_entropy_ref(p.view(), p.targets, MutableTensorView(d.data(), {p.rows, p.classes}));
  std::vector<double> x(p.logits.begin(), p.logits.end());
  const auto loss = [&] {
    double total = 0;
    for (std::size_t r = 0; r < 6; ++r) {
      if (p.targets[r] == kIgnoredTarget) continue;
      double sum = 0;
      for (std::size_t j = 0; j < 7; ++j) sum += std::exp(x[r * 7 + j]);
      total += std::log(sum) - x[r * 7 + static_cast<std::size_t>(p.targets[r])];
    }
    return total;
  };
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double h = 1e-5, keep = x[i];
    x[i] = keep + h;
    const double up = loss();
    x[i] = keep - h;
    const double down = loss();
    x[i] = keep;
    EXPECT_NEAR(d[i], (up - down) / (2 * h), 1e-7);
  }
}

TEST(CrossEntropy, InPlaceAndTheSameOnAnyThreads) {
  const Problem p(300, 500);
  std::vector<float> one = p.logits, four(p.logits.size());
  const Shape shape{p.rows, p.classes};
  set_threads(1);
  const MutableTensorView in_place(one.data(), shape);
  const auto a = cross_entropy(in_place, p.targets, in_place);
  set_threads(4);
  const auto b = cross_entropy(p.view(), p.targets, MutableTensorView(four.data(), shape));
  set_threads(0);
  EXPECT_EQ(a.loss, b.loss);
  EXPECT_EQ(one, four);
}

TEST(CrossEntropy, LargeLogitsDoNotOverflow) {
  const std::vector<float> x = {3e38f, -3e38f, 0.0f};
  const std::vector<std::int64_t> target = {0};
  EXPECT_EQ(cross_entropy(TensorView(x.data(), {1, 3}), target).loss, 0.0);
}

TEST(CrossEntropy, RefusesWhatDoesNotFit) {
  const Problem p(3, 4);
  std::vector<float> d(12);
  const std::vector<std::int64_t> two = {0, 1}, outside = {0, 4, 1}, negative = {0, -2, 1};
  expect_error([&] { cross_entropy(p.view(), two); }, {"[cross_entropy]", "2 targets", "[3, 4]"});
  expect_error([&] { cross_entropy(p.view(), outside); }, {"target 4", "[3, 4]"});
  expect_error([&] { cross_entropy(p.view(), negative); }, {"target -2"});
  expect_error(
      [&] {
        cross_entropy(p.view(), p.targets, MutableTensorView(d.data(), {4, 3}));
      },
      {"[3, 4]", "[4, 3]"});
}

}  // namespace
}  // namespace headlight
