#include "kernels/dropout.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/threads.h"
#include "kernels/attention/attention.h"
#include "support/expect_error.h"
#include "support/tolerance.h"
#include "support/vector_targets.h"

namespace headlight {
namespace {

using testing::normal_values;
using testing::on_every_target;
using Words = std::array<std::uint32_t, 4>;

// The known answers that Salmon et al. publish with the generator.
TEST(Dropout, PhiloxGivesThePublishedWords) {
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}),
            (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

/// The part of the pairs that is dropped.
double dropped(const Dropout& dropout, std::int64_t queries, std::int64_t keys) {
  double zeros = 0;
  for (std::int64_t i = 0; i < queries; ++i)
    for (std::int64_t j = 0; j < keys; ++j) {
      const float factor = dropout_factor(dropout, 3, i, j);
      EXPECT_TRUE(factor == 0 || factor == dropout.kept());
      zeros += factor == 0 ? 1 : 0;
    }
  return zeros / static_cast<double>(queries * keys);
}

TEST(Dropout, DropsAsManyAsAsked) {
  for (const float p : {0.0f, 0.1f, 0.5f, 0.9f}) {
    const double spread = std::sqrt(p * (1 - static_cast<double>(p)) / 1e6);
    EXPECT_NEAR(dropped({.p = p, .seed = 7}, 1000, 1000), p, 4 * spread) << p;
  }
}

TEST(Dropout, EverythingThatNamesAPairChangesIt) {
  const Dropout base{.p = 0.5f, .seed = 1, .offset = 2, .first_batch = 3};
  const auto differs = [&](const Dropout& other, std::uint32_t row) {
    int count = 0;
    for (std::int64_t j = 0; j < 400; ++j)
      count += dropout_factor(base, 0, 0, j) != dropout_factor(other, row, 0, j) ? 1 : 0;
    return count > 120 && count < 280;
  };
  Dropout seed = base, high_seed = base, offset = base;
  seed.seed = 2;
  high_seed.seed |= std::uint64_t{1} << 40;
  offset.offset = 3;
  EXPECT_TRUE(differs(seed, 0));
  EXPECT_TRUE(differs(high_seed, 0));
  EXPECT_TRUE(differs(offset, 0));
  EXPECT_TRUE(differs(base, 1));
  EXPECT_EQ(dropout_row(base, 1, 8, 5), 37u);
}

struct Problem {
  std::int64_t batch = 2, q_len = 61, kv_len = 141, heads = 4, kv_heads = 2, d = 24;
  AttentionOptions options = {};
};

/// z of a call by the kernel of that name.
std::vector<float> z_of(const Problem& p, std::string_view kernel, float v_mean = 0) {
  const auto size = [](std::int64_t a, std::int64_t b, std::int64_t c, std::int64_t d) {
    return static_cast<std::size_t>(a * b * c * d);
  };
  const auto q = normal_values(size(p.batch, p.q_len, p.heads, p.d), 0, 1, 1);
  const auto k = normal_values(size(p.batch, p.kv_len, p.kv_heads, p.d), 0, 1, 2);
  const auto v = normal_values(k.size(), v_mean, 1, 3);
  std::vector<float> z(q.size());
  const Shape queries{p.batch, p.q_len, p.heads, p.d}, keys{p.batch, p.kv_len, p.kv_heads, p.d};
  AttentionOptions options = p.options;
  options.kernel = kernel;
  const auto report = attention({.q = TensorView(q.data(), queries),
                                 .k = TensorView(k.data(), keys),
                                 .v = TensorView(v.data(), keys),
                                 .z = MutableTensorView(z.data(), queries)},
                                options);
  EXPECT_EQ(report.kernel, kernel);
  return z;
}

TEST(Dropout, TheTiledKernelDropsWhatTheReferenceDrops) {
  on_every_target([] {
    for (const Causal causal : {Causal::none, Causal::bottom_right}) {
      Problem p;
      p.options.causal = causal;
      const auto plain = z_of(p, "ref");
      p.options.dropout = {.p = 0.3f, .seed = 11, .offset = 5};
      const auto reference = z_of(p, "ref");
      EXPECT_LT(testing::largest_error(z_of(p, "flash"), reference), 5e-6);
      EXPECT_GT(testing::largest_error(plain, reference), 0.1) << "dropout must matter";
    }
  });
}

TEST(Dropout, TheSameOnAnyThreads) {
  Problem p;
  p.options.dropout = {.p = 0.3f, .seed = 11};
  set_threads(1);
  const auto one = z_of(p, "flash");
  set_threads(4);
  const auto four = z_of(p, "flash");
  set_threads(0);
  EXPECT_EQ(one, four);
}

// Over many masks, z averages to what it is without: a kept pair weighs 1 / (1 - p).
TEST(Dropout, ExpectationIsTheUndroppedOutput) {
  Problem p{.batch = 1, .q_len = 3, .kv_len = 40, .heads = 2, .kv_heads = 2, .d = 8};
  const auto plain = z_of(p, "flash", 1);
  std::vector<double> mean(plain.size());
  constexpr int kMasks = 4000;
  for (int i = 0; i < kMasks; ++i) {
    p.options.dropout = {.p = 0.4f, .seed = 1, .offset = static_cast<std::uint32_t>(i)};
    const auto z = z_of(p, "flash", 1);
    for (std::size_t e = 0; e < z.size(); ++e) mean[e] += z[e] / kMasks;
  }
  // One mask spreads z by about 0.5; the mean of 4000 by 0.008.
  for (std::size_t e = 0; e < plain.size(); ++e) EXPECT_NEAR(mean[e], plain[e], 0.05) << e;
}

TEST(Dropout, RefusesWhatIsNoProbability) {
  for (const float p : {-0.1f, 1.0f, std::nanf("")}) {
    Problem bad;
    bad.options.dropout.p = p;
    testing::expect_error([&] { z_of(bad, "flash"); }, {"[attention]", "dropout p", "[0, 1)"});
  }
}

}  // namespace
}  // namespace headlight
