#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "kernels/activations/activations.h"
#include "support/expect_error.h"
#include "support/tolerance.h"
#include "support/vector_targets.h"

namespace headlight {
namespace {

using testing::agrees;
using testing::expect_error;
using testing::normal_values;
using testing::on_every_target;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<float> naive(std::vector<float> x) {
  float max = -kInfinity, sum = 0;
  for (const float v : x) max = std::max(max, v);
  for (const float v : x) sum += std::exp(v - max);
  for (float& v : x) v = std::exp(v - max) / sum;
  return x;
}

std::vector<float> reference(std::vector<float> x) {
  const auto n = static_cast<std::int64_t>(x.size());
  softmax_rows_ref(MutableTensorView(x.data(), {1, n}));
  return x;
}

TEST(Softmax, EveryLengthAndAlignment) {
  on_every_target([] {
    for (std::size_t n = 0; n <= 70; ++n) {
      for (std::size_t offset = 0; offset < 3; ++offset) {
        std::vector<float> memory = normal_values(n + offset + 1, 0, 4);
        const float after = memory.back();
        const std::span<float> row = std::span(memory).subspan(offset, n);
        const std::vector<float> input(row.begin(), row.end());
        softmax_rows(MutableTensorView(row.data(), {1, static_cast<std::int64_t>(n)}));
        ASSERT_TRUE(agrees(row, naive(input), reference(input))) << n << "+" << offset;
        EXPECT_EQ(memory.back(), after) << "wrote past the end";
      }
    }
  });
}

TEST(Softmax, ManyStridedRowsOnThreads) {
  on_every_target([] {
    constexpr std::size_t kRows = 700, kWidth = 130, kStride = 141;
    std::vector<float> x = normal_values(kRows * kStride, 0, 5);
    const std::vector<float> before = x;
    softmax_rows(MutableTensorView(x.data(), {kRows, kWidth}, {kStride, 1}));
    for (std::size_t r = 0; r < kRows; ++r) {
      const auto start = before.begin() + static_cast<std::ptrdiff_t>(r * kStride);
      const std::vector<float> input(start, start + kWidth);
      const std::span<const float> row = std::span(x).subspan(r * kStride, kWidth);
      ASSERT_TRUE(agrees(row, naive(input), reference(input))) << r;
      ASSERT_EQ(x[r * kStride + kWidth], before[r * kStride + kWidth]) << "touched the gap";
    }
  });
}

TEST(Softmax, LargeScoresDoNotOverflow) {
  on_every_target([] {
    std::vector<float> x = normal_values(50, 30000, 20);
    const std::vector<float> input = x;
    softmax_rows(MutableTensorView(x.data(), {1, 50}));
    EXPECT_TRUE(agrees(x, naive(input), reference(input)));
  });
}

TEST(Softmax, MaskedEntriesAreZeroAndDeadRowsToo) {
  on_every_target([] {
    for (const std::size_t n : {1u, 4u, 19u, 64u}) {
      std::vector<float> dead(n, -kInfinity);
      softmax_rows(MutableTensorView(dead.data(), {1, static_cast<std::int64_t>(n)}));
      EXPECT_EQ(dead, std::vector<float>(n, 0.0f));

      std::vector<float> one(n, -kInfinity);
      one[n / 2] = -1e30f;
      softmax_rows(MutableTensorView(one.data(), {1, static_cast<std::int64_t>(n)}));
      for (std::size_t i = 0; i < n; ++i) EXPECT_EQ(one[i], i == n / 2 ? 1.0f : 0.0f);
    }
  });
}

TEST(Softmax, NanOrInfinityFillsItsRowOnly) {
  struct Case {
    float poison, others;
  };
  const float nan = std::nanf("");
  on_every_target([&] {
    for (const Case c : {Case{nan, 0.5f}, Case{nan, -kInfinity}, Case{kInfinity, 0.5f}}) {
      std::vector<float> x(2 * 20, c.others);
      x[7] = c.poison;
      std::vector<float> exact = x;
      softmax_rows(MutableTensorView(x.data(), {2, 20}));
      softmax_rows_ref(MutableTensorView(exact.data(), {2, 20}));
      for (std::size_t i = 0; i < x.size(); ++i) {
        EXPECT_EQ(std::isnan(x[i]), i < 20) << i;
        EXPECT_EQ(std::isnan(exact[i]), i < 20) << i;
      }
    }
  });
}

TEST(Softmax, RefusesWhatIsNoMatrix) {
  std::vector<float> x(24);
  const std::vector<std::int64_t> ids(4);
  expect_error(
      [&] {
        softmax_rows(MutableTensorView(x.data(), {2, 3, 4}));
      },
      {"[softmax]", "[2, 3, 4]"});
  expect_error(
      [&] {
        softmax_rows(MutableTensorView(x.data(), {4, 3}, {1, 4}));
      },
      {"[softmax]", "inner stride 4"});
  std::vector<double> wide(4);
  expect_error([&] { softmax_rows(MutableTensorView(wide.data(), {2, 2})); }, {"f32", "f64"});
}

// The comparison must be able to fail: one score out of 64 left out of the sum.
TEST(Softmax, AMissingTermIsCaught) {
  std::vector<float> x = normal_values(64);
  std::vector<float> wrong(x.begin(), x.end() - 1);
  wrong = naive(wrong);
  wrong.push_back(0);
  EXPECT_FALSE(agrees(wrong, naive(x), reference(x)));
}

}  // namespace
}  // namespace headlight
