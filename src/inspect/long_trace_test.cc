#include "inspect/long_trace.h"

#include <gtest/gtest.h>

#include "inspect/pattern_map.h"
#include "model/forward.h"
#include "support/expect_error.h"
#include "support/shared.h"
#include "support/tiny_model.h"

namespace headlight {
namespace {

using testing::expect_error;
using testing::TinyModel;

Transformer load(const TinyModel& tiny) {
  const auto folder = testing::scratch_folder();
  testing::write_model(tiny, folder);
  return Transformer::load(folder);
}

std::vector<float> values(const Tensor& t) {
  return {t.span<float>().begin(), t.span<float>().end()};
}

std::vector<Token> some_tokens(std::int64_t length) {
  std::vector<std::int64_t> ids;
  for (std::int64_t i = 0; i < length; ++i) ids.push_back(5 * i % 17);
  return tokens_of_ids(ids);
}

TEST(LongTrace, LayerByLayerIsWhatOnePassRecords) {
  for (const TinyModel& tiny :
       {testing::tiny_llama(), testing::tiny_gpt2(), testing::tiny_bert()}) {
    const Transformer model = load(tiny);
    const Trace whole = record_trace(model, some_tokens(9), "");
    LongTrace trace(model, some_tokens(9), "");
    EXPECT_EQ(trace.layers_recorded(), 0);
    for (std::int64_t l = 0; l < 2; ++l) {
      trace.record_layer(model);
      ASSERT_EQ(trace.layers_recorded(), l + 1);
      const TracedLayer& got = trace.trace().layers.back();
      const TracedLayer& expected = whole.layers[static_cast<std::size_t>(l)];
      EXPECT_EQ(values(got.q), values(expected.q));
      EXPECT_EQ(values(got.k), values(expected.k));
      EXPECT_EQ(values(got.lse), values(expected.lse));
      EXPECT_FALSE(got.z);
      const MapArea area{.layer = l, .head = 1, .row_end = 9, .key_end = 9};
      EXPECT_EQ(values(pattern_map(trace.trace(), area).cells),
                values(pattern_map(whole, area).cells));
    }
    EXPECT_FALSE(trace.past_max_len());
    expect_error([&] { trace.record_layer(model); }, {"all 2 layers are recorded"});
    expect_error([&] { pattern_map(trace.trace(), {.layer = 2, .row_end = 9, .key_end = 9}); },
                 {"layer 2 is not in [0, 2)"});
  }
}

TEST(LongTrace, OnlyRotaryPositionsGoOnPastWhatWasTrained) {
  const Transformer llama = load(testing::tiny_llama());
  LongTrace beyond(llama, some_tokens(40), "");
  EXPECT_TRUE(beyond.past_max_len());
  while (beyond.layers_recorded() < 2) beyond.record_layer(llama);
  // The same positions as those of a model whose configuration allows as many.
  const Transformer longer = load(testing::tiny_llama({{"max_position_embeddings", 40}}));
  const Trace expected = record_trace(longer, some_tokens(40), "");
  EXPECT_EQ(values(beyond.trace().layers[1].q), values(expected.layers[1].q));
  EXPECT_EQ(values(beyond.trace().layers[1].lse), values(expected.layers[1].lse));

  const Transformer gpt2 = load(testing::tiny_gpt2());
  LongTrace refused(gpt2, some_tokens(10), "");
  expect_error([&] { refused.record_layer(gpt2); }, {"learned 9 positions"});
  EXPECT_EQ(refused.layers_recorded(), 0);
  expect_error([&] { refused.record_layer(llama); }, {"another model"});
}

TEST(LongTrace, MemoryIsCountedInTokens) {
  const ModelConfig config = load(testing::tiny_llama()).config();
  const std::size_t one = long_trace_bytes(config, 1);
  EXPECT_EQ(long_trace_bytes(config, 100000), 100000 * one);
  // q [4, 6], k [2, 6] and lse [4] of two layers are kept.
  EXPECT_GE(one, 2 * (24 + 12 + 4) * sizeof(float));
}

TEST(LongTrace, TokensThatFillSeveralBlocksOfTheMlpAreAllComputed) {
  constexpr std::int64_t kLength = kMlpRows + 10;
  const Transformer model = load(testing::tiny_llama({{"max_position_embeddings", kLength}}));
  const std::vector<std::int64_t> same(kLength, 5);
  // Values of equal tokens are equal, so that whatever the weights are, every token's vector is.
  const Tensor hidden = model.forward(same, {}).last_hidden;
  const std::int64_t d = model.config().d_model;
  for (std::int64_t t = 0; t < kLength; ++t)
    for (std::int64_t j = 0; j < d; ++j)
      ASSERT_NEAR(hidden.span<float>()[static_cast<std::size_t>(t * d + j)],
                  hidden.span<float>()[static_cast<std::size_t>(j)], 2e-5)
          << t;
}

}  // namespace
}  // namespace headlight
