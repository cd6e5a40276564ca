#include "inspect/relation_scores.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "support/shared.h"
#include "support/tiny_model.h"

namespace headlight {
namespace {

/// [CLS] a b c d [SEP], a token for each byte of "abcd".
std::vector<Token> some_tokens() {
  std::vector<Token> tokens(6);
  for (std::size_t i = 1; i < 5; ++i) tokens[i] = {.id = 5, .piece = "x", .begin = i - 1, .end = i};
  tokens.front().special = tokens.back().special = true;
  return tokens;
}

/// Heads made by hand: 0 looks at `partner` of the query; 1 at the token before; 2 rests on [CLS],
/// with what is left on the partner; 3 looks at itself, with what is left on the token behind.
Tensor rows_of(std::int64_t query, std::int64_t partner) {
  Tensor rows({4, 6});
  const auto weights = rows.span<float>();
  std::ranges::fill(weights, 0.0F);
  const auto put = [&](std::int64_t head, std::int64_t target, float weight) {
    if (0 <= target && target < 6) weights[static_cast<std::size_t>(head * 6 + target)] += weight;
  };
  put(0, partner, 1);
  put(1, query - 1, 1);
  put(2, 0, 0.9F);
  put(2, partner, 0.1F);
  put(3, query, 0.6F);
  put(3, query + 1, 0.4F);
  return rows;
}

TEST(RelationScores, CountsTheStrongestTarget) {
  RelationScorer scorer(1, 4, 2);
  const auto rows = [](std::int64_t, std::int64_t query) {
    return rows_of(query, query == 3 ? 1 : 3);
  };
  const std::vector<RelatedWords> pairs = {
      {{1, 2}, {3, 4}, 0},  // a, c: 2 ahead
      {{4, 5}, {3, 4}, 0},  // d, c: 1 back
      {{2, 3}, {3, 4}, 1},  // b, c: 1 ahead
  };
  scorer.add(rows, some_tokens(), pairs);
  const RelationScore& first = scorer.scores()[0];
  EXPECT_EQ(first.pairs, 2);
  EXPECT_EQ(first.forward, (std::vector<std::int64_t>{2, 1, 2, 0}));
  // c looks at a, at b, at a behind [CLS], and at d behind itself.
  EXPECT_EQ(first.backward, (std::vector<std::int64_t>{1, 0, 1, 1}));
  const RelationScore& second = scorer.scores()[1];
  EXPECT_EQ(second.forward, (std::vector<std::int64_t>{1, 0, 1, 1}));
  EXPECT_EQ(second.best_offset(), (std::pair<std::int64_t, std::int64_t>{1, 1}));
  EXPECT_EQ(first.best_offset(), (std::pair<std::int64_t, std::int64_t>{-1, 1})) << "the nearer";
}

TEST(RelationScores, EveryTokenCanBeATarget) {
  RelationScorer scorer(1, 4, 1, Targets::all);
  const auto rows = [](std::int64_t, std::int64_t query) {
    return rows_of(query, query == 3 ? 1 : 3);
  };
  // b, c; then c, c: head 2 is found on [CLS], head 3 on the querying word itself.
  scorer.add(rows, some_tokens(),
             std::vector<RelatedWords>{{{2, 3}, {3, 4}, 0}, {{3, 4}, {3, 4}, 0}});
  EXPECT_EQ(scorer.scores()[0].forward, (std::vector<std::int64_t>{1, 0, 0, 1}));
}

TEST(RelationScores, AWordOfSeveralTokensIsOneWord) {
  RelationScorer scorer(1, 4, 1);
  // Tokens 1 and 2 are one word; its mean row puts head 1 on [CLS] and itself, so nothing is left.
  const auto rows = [](std::int64_t, std::int64_t query) {
    return rows_of(query, query < 3 ? 4 : 2);
  };
  scorer.add(rows, some_tokens(), std::vector<RelatedWords>{{{1, 3}, {4, 5}, 0}});
  EXPECT_EQ(scorer.scores()[0].forward, (std::vector<std::int64_t>{1, 0, 1, 0}));
  EXPECT_EQ(scorer.scores()[0].backward, (std::vector<std::int64_t>{1, 0, 1, 0}));
}

TEST(RelationScores, ATraceGivesTheRowsOfItsPattern) {
  const auto folder = testing::scratch_folder();
  testing::write_model(testing::tiny_bert(), folder);
  const Transformer model = Transformer::load(folder);
  const std::vector<std::int64_t> ids = {3, 1, 4, 1, 5, 9};
  const Trace trace = record_trace(model, tokens_of_ids(ids), "");
  const std::int64_t layers = trace.config.n_layers, heads = trace.config.n_heads;
  std::vector<std::int64_t> expected(static_cast<std::size_t>(layers * heads), 0);
  std::vector<RelatedWords> pairs;
  for (std::int64_t from = 0; from < 6; ++from)
    for (std::int64_t to = 0; to < from; ++to) pairs.push_back({{from, from + 1}, {to, to + 1}, 0});
  for (const RelatedWords& pair : pairs)
    for (std::int64_t h = 0; h < layers * heads; ++h) {
      const Tensor pattern = pattern_rows(trace, h / heads, h % heads, 0, 6);
      const auto row =
          pattern.span<float>().subspan(static_cast<std::size_t>(pair.from.begin) * 6, 6);
      bool largest = true;
      for (std::int64_t j = 0; j < 6; ++j)
        if (j != pair.from.begin && j != pair.to.begin)
          largest &=
              row[static_cast<std::size_t>(j)] < row[static_cast<std::size_t>(pair.to.begin)];
      expected[static_cast<std::size_t>(h)] += largest;
    }
  RelationScorer scorer(layers, heads, 1);
  scorer.add(trace, pairs);
  EXPECT_EQ(scorer.scores()[0].forward, expected);
  EXPECT_GT(*std::ranges::max_element(expected), 0);
}

TEST(RelationScores, FindsTheTokensOfAWord) {
  const auto tokens = some_tokens();
  const auto range = tokens_of_bytes(tokens, 1, 3);
  ASSERT_TRUE(range);
  EXPECT_EQ(range->begin, 2);
  EXPECT_EQ(range->end, 4);
  EXPECT_FALSE(tokens_of_bytes(tokens, 4, 9));
}

// Values from Agresti & Coull 1998, table 1's method: 0 of 10 and 5 of 10.
TEST(RelationScores, WilsonInterval) {
  EXPECT_NEAR(wilson_interval(0, 10).low, 0, 1e-12);
  EXPECT_NEAR(wilson_interval(0, 10).high, 0.27753, 1e-5);
  EXPECT_NEAR(wilson_interval(5, 10).low, 0.23659, 1e-5);
  EXPECT_NEAR(wilson_interval(5, 10).high, 0.76341, 1e-5);
  EXPECT_EQ(wilson_interval(0, 0).high, 1);
}

TEST(RelationScores, RefusesWhatIsOutOfRange) {
  RelationScorer scorer(1, 4, 1);
  const auto rows = [](std::int64_t, std::int64_t query) { return rows_of(query, 1); };
  const auto add = [&](RelatedWords pair) { scorer.add(rows, some_tokens(), std::vector{pair}); };
  testing::expect_error([&] { add({{1, 2}, {2, 3}, 1}); }, {"[relation scores]", "relation 1"});
  testing::expect_error([&] { add({{1, 2}, {5, 7}, 0}); }, {"[relation scores]", "5:7", "6"});
  testing::expect_error([&] { add({{2, 2}, {3, 4}, 0}); }, {"[relation scores]", "2:2"});
  const auto wrong = [](std::int64_t, std::int64_t) { return Tensor({4, 5}); };
  testing::expect_error(
      [&] {
        scorer.add(wrong, some_tokens(), std::vector<RelatedWords>{{{1, 2}, {2, 3}, 0}});
      },
      {"[relation scores]", "[4, 5]", "[4, 6]"});
  EXPECT_EQ(scorer.scores()[0].pairs, 0);
}

}  // namespace
}  // namespace headlight
