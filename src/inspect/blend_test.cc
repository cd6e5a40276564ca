#include "inspect/blend.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/expect_error.h"

namespace headlight {
namespace {

Tensor rows_of(const std::vector<std::vector<float>>& rows) {
  Tensor out({std::ssize(rows), std::ssize(rows[0])});
  auto to = out.span<float>().begin();
  for (const auto& row : rows) to = std::ranges::copy(row, to).out;
  return out;
}

TEST(Blend, HeadsThatDivideTheWorkAreBuried) {
  // Sixteen tokens; each of four heads reads one of its own and all read token 15.
  std::vector<std::vector<float>> rows(4, std::vector<float>(16, 0.0f));
  for (std::size_t h = 0; h < 4; ++h) {
    rows[h][h] = 0.375f;
    rows[h][15] = 0.625f;
  }
  rows[3][3] = 0.625f;
  rows[3][15] = 0.375f;
  const Blend blend = blend_rows(rows_of(rows));
  EXPECT_NEAR(blend.average.span<float>()[0], 0.09375, 1e-7);
  EXPECT_EQ(blend.readers[0], Readers::divided);
  EXPECT_EQ(blend.readers[15], Readers::consensus);
  EXPECT_EQ(blend.readers[7], Readers::none);
  // Heads 0 to 2 read token 15 the most, which the average shows; head 3 reads token 3, average
  // .156.
  EXPECT_TRUE(blend.buried.empty());
}

TEST(Blend, AWordThatOneHeadLivesForIsBuriedAmongMany) {
  std::vector<std::vector<float>> rows(8, {0.0f, 0.0f, 1.0f});
  rows[5] = {0.0f, 0.75f, 0.25f};
  rows[6] = {0.5f, 0.25f, 0.25f};
  const Blend blend = blend_rows(rows_of(rows));
  ASSERT_EQ(blend.buried.size(), 1u) << "token 1 is read by the average: (0.75 + 0.25) / 8 = 0.125";
  EXPECT_EQ(blend.buried[0].token, 0);
  EXPECT_EQ(blend.buried[0].head, 6);
  EXPECT_EQ(blend.buried[0].weight, 0.5f);
  EXPECT_EQ(blend.buried[0].average, 0.0625f);
}

TEST(Blend, DivergenceIsZeroForEqualRowsAndLogOfHeadsForForeignOnes) {
  const Blend same = blend_rows(rows_of({{0.2f, 0.8f}, {0.2f, 0.8f}}));
  EXPECT_NEAR(same.jsd, 0, 1e-9);
  EXPECT_NEAR(same.entropy_of_average, same.mean_of_entropies, 1e-7);
  const Blend foreign = blend_rows(rows_of({{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}));
  EXPECT_NEAR(foreign.jsd, std::log(3.0), 1e-6);
  EXPECT_EQ(foreign.mean_of_entropies, 0);
  // Two of three heads: more than half, fewer than three quarters.
  EXPECT_EQ(blend_rows(rows_of({{1, 0}, {1, 0}, {0, 1}})).readers[0], Readers::shared);
}

TEST(Blend, WhatIsNotRowsIsRefused) {
  testing::expect_error([] { blend_rows(Tensor({3})); }, {"[blend]", "[3]"});
}

}  // namespace
}  // namespace headlight
