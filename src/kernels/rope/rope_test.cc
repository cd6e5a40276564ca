#include "kernels/rope/rope.h"

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

constexpr RopeLayout kLayouts[] = {RopeLayout::half_split, RopeLayout::interleaved};

struct Heads {
  std::int64_t tokens, heads, dim;

  std::size_t numel() const { return static_cast<std::size_t>(tokens * heads * dim); }
  MutableTensorView view(std::vector<float>& x) const { return {x.data(), {tokens, heads, dim}}; }
};

// The rotation in fp32, written with complex numbers in mind: (a + ib)(cos + i sin).
std::vector<float> naive(const Heads& shape, std::vector<float> x, const RopeTable& table,
                         RopeLayout layout, std::span<const std::int64_t> positions) {
  const std::int64_t half = table.rotary_dim() / 2;
  const bool split = layout == RopeLayout::half_split;
  for (std::int64_t r = 0; r < shape.tokens * shape.heads; ++r) {
    const std::int64_t t = r / shape.heads;
    const std::int64_t p = positions.empty() ? t : positions[std::size_t(t)];
    float* row = x.data() + r * shape.dim;
    for (std::int64_t i = 0; i < half; ++i) {
      float& a = row[split ? i : 2 * i];
      float& b = row[split ? i + half : 2 * i + 1];
      const float c = table.cos_row(p)[i], s = table.sin_row(p)[i], old = a;
      a = a * c - b * s;
      b = old * s + b * c;
    }
  }
  return x;
}

void expect_rope(const Heads& shape, std::int64_t rotary_dim, RopeLayout layout,
                 std::span<const std::int64_t> positions = {}) {
  const RopeTable table(RopeTable::frequencies(rotary_dim, 10000), 300);
  const std::vector<float> input = normal_values(shape.numel());
  std::vector<float> fast = input, exact = input;
  rope(shape.view(fast), table, layout, positions);
  rope_ref(shape.view(exact), table, layout, positions);
  ASSERT_TRUE(agrees(fast, naive(shape, input, table, layout, positions), exact))
      << rotary_dim << " of " << shape.dim;
}

TEST(Rope, EveryWidthBothLayouts) {
  on_every_target([] {
    for (const RopeLayout layout : kLayouts)
      for (std::int64_t rotary_dim = 2; rotary_dim <= 140; rotary_dim += 2)
        for (const std::int64_t extra : {0, 1, 5})
          expect_rope({3, 2, rotary_dim + extra}, rotary_dim, layout);
  });
}

TEST(Rope, ManyTokensOnThreadsAndGivenPositions) {
  on_every_target([] {
    std::vector<std::int64_t> positions;
    for (std::int64_t t = 0; t < 300; ++t) positions.push_back((t * 37) % 300);
    for (const RopeLayout layout : kLayouts) {
      expect_rope({300, 8, 64}, 64, layout);
      expect_rope({300, 8, 64}, 32, layout, positions);
    }
  });
}

TEST(Rope, DimensionsPastRotaryDimStay) {
  const RopeTable table(RopeTable::frequencies(4, 10000), 8);
  for (const RopeLayout layout : kLayouts) {
    const std::vector<float> input = normal_values(5 * 7);
    std::vector<float> x = input;
    rope(MutableTensorView(x.data(), {5, 1, 7}), table, layout);
    for (std::size_t i = 0; i < x.size(); ++i)
      EXPECT_EQ(x[i] == input[i], i % 7 >= 4 || i < 7) << i;  // position 0 turns by no angle
  }
}

TEST(Rope, StridedHeadsInsideAFusedProjection) {
  const RopeTable table(RopeTable::frequencies(16, 10000), 8);
  const std::vector<float> packed_input = normal_values(4 * 2 * 16);
  std::vector<float> packed = packed_input, fused(4 * 96, 5);
  for (std::size_t t = 0; t < 4; ++t)
    std::copy_n(packed_input.data() + t * 32, 32, fused.data() + t * 96 + 32);
  rope(MutableTensorView(packed.data(), {4, 2, 16}), table, RopeLayout::half_split);
  rope(MutableTensorView(fused.data() + 32, {4, 2, 16}, {96, 16, 1}), table,
       RopeLayout::half_split);
  for (std::size_t t = 0; t < 4; ++t)
    for (std::size_t i = 0; i < 96; ++i)
      ASSERT_EQ(fused[t * 96 + i], i >= 32 && i < 64 ? packed[t * 32 + i - 32] : 5.0f);
}

// What rotary positions are for: a product of rotated vectors sees only their distance.
TEST(Rope, ScoresDependOnDistanceOnly) {
  const RopeTable table(RopeTable::frequencies(64, 10000), 1100);
  for (const RopeLayout layout : kLayouts) {
    const auto score = [&](std::int64_t i, std::int64_t j) {
      std::vector<float> q = normal_values(64, 0, 1, 1), k = normal_values(64, 0, 1, 2);
      rope(MutableTensorView(q.data(), {1, 1, 64}), table, layout, {&i, 1});
      rope(MutableTensorView(k.data(), {1, 1, 64}), table, layout, {&j, 1});
      double sum = 0;
      for (std::size_t d = 0; d < 64; ++d) sum += static_cast<double>(q[d]) * k[d];
      return sum;
    };
    EXPECT_NEAR(score(20, 3), score(1017, 1000), 2e-5);
    EXPECT_GT(std::fabs(score(20, 3) - score(20, 4)), 1e-3);
  }
}

TEST(Rope, TableHoldsTheAnglesInDouble) {
  const RopeTable table(RopeTable::frequencies(8, 10000), 100000);
  EXPECT_EQ(table.rotary_dim(), 8);
  EXPECT_EQ(table.max_len(), 100000);
  EXPECT_FLOAT_EQ(table.cos_row(0)[3], 1);
  EXPECT_FLOAT_EQ(table.sin_row(99999)[0], static_cast<float>(std::sin(99999.0)));
  EXPECT_FLOAT_EQ(table.cos_row(5000)[1], static_cast<float>(std::cos(500.0)));
}

TEST(Rope, RefusesWhatDoesNotFit) {
  const RopeTable table(RopeTable::frequencies(8, 10000), 4);
  std::vector<float> x(5 * 8);
  const std::vector<std::int64_t> outside = {0, 4}, negative = {-1, 0};
  const auto call = [&](Shape shape, std::span<const std::int64_t> positions = {}) {
    rope(MutableTensorView(x.data(), shape), table, RopeLayout::half_split, positions);
  };
  expect_error([&] { call({5, 1, 8}); }, {"[rope]", "[5, 1, 8]", "4 positions"});
  expect_error([&] { call({2, 1, 6}); }, {"[rope]", "rotary_dim 8", "[2, 1, 6]"});
  expect_error([&] { call({2, 8}); }, {"[rope]", "[2, 8]"});
  expect_error([&] { call({2, 1, 8}, outside); }, {"position 4", "4 positions"});
  expect_error([&] { call({2, 1, 8}, negative); }, {"position -1"});
  expect_error([&] { call({3, 1, 8}, outside); }, {"2 positions", "[3, 1, 8]"});
  expect_error([] { RopeTable::frequencies(7, 10000); }, {"[rope]", "7"});
  expect_error([] { RopeTable::frequencies(8, -1); }, {"[rope]", "theta"});
  expect_error([] { RopeTable({}, 4); }, {"[rope]", "frequency"});
}

TEST(Rope, BackwardIsTheTransposedRotation) {
  const Heads shape{5, 2, 43};
  on_every_target([&] {
    for (const RopeLayout layout : kLayouts)
      for (const std::int64_t rotary_dim : {2, 38, 42}) {
        const RopeTable table(RopeTable::frequencies(rotary_dim, 10000), 8);
        const std::vector<float> x = normal_values(shape.numel(), 0, 1, 1);
        const std::vector<float> d_y = normal_values(shape.numel(), 0, 1, 2);
        std::vector<float> y = x, d_x = d_y, exact = d_y, back;
        rope(shape.view(y), table, layout);
        rope_backward(shape.view(d_x), table, layout);
        rope_backward_ref(shape.view(exact), table, layout);
        EXPECT_LT(testing::largest_error(d_x, exact), 1e-6);
        // <R x, d_y> = <x, R^T d_y> for every x makes it the gradient; and R^T undoes R.
        double forward = 0, backward = 0;
        for (std::size_t i = 0; i < x.size(); ++i) {
          forward += static_cast<double>(y[i]) * d_y[i];
          backward += static_cast<double>(x[i]) * d_x[i];
        }
        EXPECT_NEAR(forward, backward, 1e-4);
        back = y;
        rope_backward(shape.view(back), table, layout);
        EXPECT_LT(testing::largest_error(back, x), 2e-6);
      }
  });
}

// The comparison must be able to fail: the other layout, and the other direction of turning.
TEST(Rope, AWrongRotationIsCaught) {
  const Heads shape{6, 2, 16};
  const RopeTable table(RopeTable::frequencies(16, 10000), 8);
  const std::vector<float> input = normal_values(shape.numel());
  std::vector<float> exact = input, wrong = input;
  rope_ref(shape.view(exact), table, RopeLayout::half_split);
  const std::vector<float> plain = naive(shape, input, table, RopeLayout::half_split, {});
  rope(shape.view(wrong), table, RopeLayout::interleaved);
  EXPECT_FALSE(agrees(wrong, plain, exact));
  EXPECT_TRUE(agrees(plain, plain, exact));
}

}  // namespace
}  // namespace headlight
