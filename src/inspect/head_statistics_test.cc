#include "inspect/head_statistics.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/expect_error.h"
#include "support/shared.h"
#include "support/tiny_model.h"

namespace headlight {
namespace {

const std::vector<std::int64_t> kIds = {3, 16, 0, 7, 7, 1, 12};

Transformer load(const testing::TinyModel& model) {
  const auto folder = testing::scratch_folder();
  testing::write_model(model, folder);
  return Transformer::load(folder);
}

/// The same numbers from the whole pattern, row by row in double.
struct Plain {
  double entropy = 0, distance = 0, sink_mass = 0;
};

Plain plain_statistics(const Trace& trace, std::int64_t layer, std::int64_t head,
                       std::span<const std::int64_t> sinks) {
  const std::int64_t n = trace.length();
  const Tensor rows = pattern_rows(trace, layer, head, 0, n);
  Plain total;
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < n; ++j) {
      const double p = rows.span<float>()[static_cast<std::size_t>(i * n + j)];
      if (p > 0) total.entropy -= p * std::log(p) / static_cast<double>(n);
      total.distance += p * std::abs(static_cast<double>(i - j)) / static_cast<double>(n);
      if (std::ranges::count(sinks, j) > 0) total.sink_mass += p / static_cast<double>(n);
    }
  return total;
}

TEST(HeadStatistics, AreTheMeansOverTheRowsOfThePattern) {
  for (const auto& tiny : {testing::tiny_gpt2({{"scale_attn_by_inverse_layer_idx", true}}),
                           testing::tiny_llama(), testing::tiny_bert()}) {
    const Transformer model = load(tiny);
    for (std::size_t length = 1; length <= kIds.size(); ++length) {
      std::vector<Token> tokens = tokens_of_ids(std::span(kIds).first(length));
      if (length > 4) tokens[0].special = tokens[length - 1].special = true;
      const Trace trace = record_trace(model, std::move(tokens), "");
      const HeadStatistics found = head_statistics(trace);
      ASSERT_EQ(found.sinks.size(), length > 4 ? 2u : 1u);
      for (std::int64_t l = 0; l < trace.config.n_layers; ++l)
        for (std::int64_t h = 0; h < trace.config.n_heads; ++h) {
          const Plain plain = plain_statistics(trace, l, h, found.sinks);
          const auto at = static_cast<std::size_t>(l * trace.config.n_heads + h);
          EXPECT_NEAR(found.entropy.span<float>()[at], plain.entropy, 1e-5);
          EXPECT_NEAR(found.distance.span<float>()[at], plain.distance, 1e-5);
          EXPECT_NEAR(found.sink_mass.span<float>()[at], plain.sink_mass, 1e-6);
        }
    }
  }
}

TEST(HeadStatistics, ASinkIsSpecialOrElseTheFirst) {
  std::vector<Token> tokens(4);
  EXPECT_EQ(sinks_of(tokens), std::vector<std::int64_t>{0});
  tokens[1].special = tokens[3].special = true;
  EXPECT_EQ(sinks_of(tokens), (std::vector<std::int64_t>{1, 3}));
  EXPECT_TRUE(sinks_of({}).empty());
}

TEST(HeadStatistics, NothingIsSaidOfNothing) {
  testing::expect_error([] { head_statistics(Trace()); }, {"[trace]", "0 tokens"});
}

}  // namespace
}  // namespace headlight
