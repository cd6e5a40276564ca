// Statistics of packed sequences against the reference's on each sequence alone.
#include <gtest/gtest.h>

#include <algorithm>

#include "model/layer_test_support.h"
#include "support/expect_error.h"
#include "support/tolerance.h"

namespace headlight {
namespace {

using testing::expect_error;
using testing::random_layer;
using testing::random_tensor;

using Config = MultiHeadAttentionConfig;
using Numbers = std::vector<std::int64_t>;

constexpr std::int64_t kModel = 32, kTop = 2;
const Numbers kOffsets{0, -1, 3};

/// Room for every output, filled with what nobody has written.
struct Results {
  Results(const Numbers& chosen, std::int64_t tokens, std::int64_t rows, std::int64_t keys,
          std::int64_t columns, const Numbers& chosen_queries = {})
      : heads(chosen), queries(chosen_queries) {
    const std::int64_t n = std::ssize(heads);
    entropy = Tensor({1, n, tokens});
    distance = Tensor({1, n, tokens});
    offset_mass = Tensor({1, n, tokens, std::ssize(kOffsets)});
    column_mass = Tensor({1, n, columns});
    top_mass = Tensor({1, n, tokens, kTop});
    top_keys = Tensor(DType::i32, {1, n, tokens, kTop});
    pattern = Tensor({1, n, rows, keys});
    for (Tensor* t : {&entropy, &distance, &offset_mass, &column_mass, &top_mass, &pattern})
      std::ranges::fill(t->span<float>(), 77.0f);
    std::ranges::fill(top_keys.span<std::int32_t>(), 77);
  }
  AttentionStatistics request() {
    return {.heads = heads,
            .entropy = entropy,
            .distance = distance,
            .offsets = kOffsets,
            .offset_mass = offset_mass,
            .column_mass = column_mass,
            .top_mass = top_mass,
            .top_keys = top_keys,
            .pattern_queries = queries,
            .pattern = pattern};
  }
  Numbers heads, queries;
  Tensor entropy, distance, offset_mass, column_mass, top_mass, top_keys, pattern;
};

/// Row `row` of head n of an output [1, N, rows, ...].
template <class T>
std::vector<T> row_of(const Tensor& t, std::int64_t n, std::int64_t row, std::int64_t width) {
  const T* at = t.span<T>().data() + (n * t.dim(2) + row) * width;
  return {at, at + width};
}

void expect_near(const std::vector<float>& ours, const std::vector<float>& want) {
  ASSERT_EQ(ours.size(), want.size());
  for (std::size_t i = 0; i < ours.size(); ++i)
    EXPECT_NEAR(ours[i], want[i], 2e-5f * (1 + std::fabs(want[i])));
}

/// Token `begin + i` of the packed call and token i of the sequence alone.
void expect_same_row(const Results& packed, const Results& alone, std::int64_t n,
                     std::int64_t begin, std::int64_t i) {
  const auto same = [&](const Tensor& a, const Tensor& b, std::int64_t width) {
    expect_near(row_of<float>(a, n, begin + i, width), row_of<float>(b, n, i, width));
  };
  same(packed.entropy, alone.entropy, 1);
  same(packed.distance, alone.distance, 1);
  same(packed.offset_mass, alone.offset_mass, std::ssize(kOffsets));
  same(packed.top_mass, alone.top_mass, kTop);
  EXPECT_EQ(row_of<std::int32_t>(packed.top_keys, n, begin + i, kTop),
            row_of<std::int32_t>(alone.top_keys, n, i, kTop));
}

/// A row of the packed pattern is that of its sequence, and 0 past its keys.
void expect_same_pattern(const Results& packed, std::int64_t at, const Results& alone,
                         std::int64_t i, std::int64_t n) {
  std::vector<float> want = row_of<float>(alone.pattern, n, i, alone.pattern.dim(3));
  want.resize(static_cast<std::size_t>(packed.pattern.dim(3)));
  expect_near(row_of<float>(packed.pattern, n, at, packed.pattern.dim(3)), want);
}

struct Case {
  const char* name;
  Config config;
};
const Case kCases[] = {
    {"plain", {.d_model = kModel, .n_heads = 4}},
    {"grouped_window",
     {.d_model = kModel,
      .n_heads = 4,
      .n_kv_heads = 2,
      .causal = Causal::bottom_right,
      .window = {20, -1}}},
    {"alibi_sinks",
     {.d_model = kModel, .n_heads = 4, .causal = Causal::top_left, .alibi = true, .sinks = true}},
    {"added", {.d_model = kModel, .n_heads = 4, .added_key_value = true, .zero_key_value = true}},
};

class PackedStatistics : public ::testing::TestWithParam<Case> {
 protected:
  static inline const Numbers kHeads{2, 0};
  static inline const Numbers kSequences{0, 60, 60, 61, 90};
  static inline const Numbers kQueries{3, 59, 60, 80};
  static std::int64_t size(std::size_t s) { return kSequences[s + 1] - kSequences[s]; }

  /// What the reference makes of sequence s by itself.
  static Results alone(MultiHeadAttention& layer, const Tensor& x, std::size_t s) {
    const std::int64_t keys = layer.config().added_keys() + size(s);
    Results results(kHeads, size(s), size(s), keys, keys);
    const AttentionStatistics request = results.request();
    const TensorView rows(x.span<float>().data() + kSequences[s] * kModel, {1, size(s), kModel});
    Tensor out({1, size(s), kModel});
    layer.forward(rows, out, {.requests = {.statistics = &request}, .kernel = "ref"});
    return results;
  }
};

TEST_P(PackedStatistics, AreThoseOfEachSequence) {
  MultiHeadAttention layer = random_layer(GetParam().config);
  const std::int64_t added = layer.config().added_keys();
  const Tensor x = random_tensor({1, 90, kModel}, 3);
  Tensor out({1, 90, kModel});
  Results whole(kHeads, 90, 90, added + 60, 4 * added + 90);
  Results some(kHeads, 90, std::ssize(kQueries), added + 60, 4 * added + 90, kQueries);
  for (Results* results : {&whole, &some}) {
    const AttentionStatistics request = results->request();
    layer.forward(x, out, {.cu_seqlens = kSequences, .requests = {.statistics = &request}});
  }
  std::int64_t column = 0;
  for (std::size_t s = 0; s + 1 < kSequences.size(); column += added + size(s), ++s) {
    if (size(s) == 0) continue;
    SCOPED_TRACE(s);
    const Results want = alone(layer, x, s);
    const std::int64_t begin = kSequences[s];
    for (std::int64_t n = 0; n < 2; ++n) {
      for (std::int64_t i = 0; i < size(s); ++i) {
        expect_same_row(whole, want, n, begin, i);
        expect_same_pattern(whole, begin + i, want, i, n);
        const auto chosen = std::ranges::find(kQueries, begin + i);
        if (chosen != kQueries.end())
          expect_same_pattern(some, chosen - kQueries.begin(), want, i, n);
      }
      const float* ours = whole.column_mass.span<float>().data() + n * whole.column_mass.dim(2);
      const float* theirs = want.column_mass.span<float>().data() + n * want.column_mass.dim(2);
      const std::int64_t keys = added + size(s);
      expect_near({ours + column, ours + column + keys}, {theirs, theirs + keys});
    }
  }
}

// A prompt and single tokens in one call, over pages: the last rows of the whole sequences.
TEST_P(PackedStatistics, OverPagesAreThoseOfTheLastQueries) {
  Config config = GetParam().config;
  config.causal = Causal::bottom_right;
  MultiHeadAttention layer = random_layer(config);
  const std::int64_t added = layer.config().added_keys();
  const Tensor x = random_tensor({1, 90, kModel}, 3);
  PagedKvCache cache = layer.make_paged_cache(20, 8);
  const Numbers ids{cache.start(), cache.start(), cache.start(), cache.start()};
  // All but the last token of the first and the last sequence.
  Tensor prompt({1, 88, kModel}), rest({1, 3, kModel}), prompt_out({1, 88, kModel}),
      rest_out({1, 3, kModel});
  const auto row = [&](std::int64_t t) { return x.span<float>().data() + t * kModel; };
  std::copy(row(0), row(59), prompt.span<float>().data());
  std::copy(row(61), row(89), prompt.span<float>().data() + 59 * kModel);
  std::copy(row(59), row(61), rest.span<float>().data());
  std::copy(row(89), row(90), rest.span<float>().data() + 2 * kModel);
  const Numbers first{0, 59, 59, 59, 87}, second{0, 1, 1, 2, 3};
  const TensorView used(prompt.span<float>().data(), {1, 87, kModel});
  layer.forward(used, cache, ids,
                MutableTensorView(prompt_out.span<float>().data(), {1, 87, kModel}),
                {.cu_seqlens = first});
  Results results(kHeads, 3, 3, added + 60, 4 * added + 90);
  const AttentionStatistics request = results.request();
  layer.forward(rest, cache, ids, rest_out,
                {.cu_seqlens = second, .requests = {.statistics = &request}});
  for (const auto& [at, s] : {std::pair<std::int64_t, std::size_t>{0, 0}, {1, 2}, {2, 3}}) {
    SCOPED_TRACE(s);
    const Results want = alone(layer, x, s);
    for (std::int64_t n = 0; n < 2; ++n) {
      expect_same_row(results, want, n, at - (size(s) - 1), size(s) - 1);
      expect_same_pattern(results, at, want, size(s) - 1, n);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Options, PackedStatistics, ::testing::ValuesIn(kCases),
                         [](const auto& of) { return of.param.name; });

TEST(PackedStatisticsCalls, OutputsThatDoNotFitAreNamed) {
  MultiHeadAttention layer = random_layer({.d_model = kModel, .n_heads = 2});
  const Tensor x({1, 9, kModel});
  Tensor out({1, 9, kModel}), entropy({1, 2, 8}), columns({1, 2, 6}), pattern({1, 2, 9, 9});
  const Numbers offsets{0, 6, 9};
  const auto refuse = [&](const AttentionStatistics& request,
                          std::initializer_list<std::string_view> parts) {
    expect_error(
        [&] {
          layer.forward(x, out, {.cu_seqlens = offsets, .requests = {.statistics = &request}});
        },
        parts);
  };
  refuse({.entropy = entropy}, {"entropy", "[1, 2, 8]", "[1, 2, 9]"});
  refuse({.column_mass = columns}, {"column_mass", "[1, 2, 6]", "[1, 2, 9]"});
  refuse({.pattern = pattern}, {"pattern", "[1, 2, 9, 9]", "[1, 2, 9, 6]"});
}

}  // namespace
}  // namespace headlight
