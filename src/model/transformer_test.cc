// The forward pass on small random models, against the independent one in tests/support.
#include "model/transformer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "core/error.h"
#include "support/plain_forward.h"
#include "support/shared.h"
#include "support/tiny_model.h"

namespace headlight {
namespace {
using testing::PlainResult;
using testing::Rows;
using testing::TinyModel;
using Json = nlohmann::json;

constexpr double kTolerance = 2e-5;  // fp32 against double, values of a few units

const std::vector<std::int64_t> kIds = {3, 16, 0, 7, 7, 1, 12};
const std::vector<std::int64_t> kTypes = {0, 0, 0, 1, 1, 0, 1};

/// Largest difference between a [T, ...] view and rows of doubles; fails on a shape mismatch.
double difference(TensorView actual, const Rows& expected) {
  EXPECT_EQ(actual.dim(0), std::ssize(expected));
  const std::int64_t middle = actual.rank() == 3 ? actual.dim(1) : 1;
  const std::int64_t last = actual.dim(actual.rank() - 1);
  EXPECT_EQ(middle * last, std::ssize(expected[0]));
  double worst = 0;
  for (std::int64_t t = 0; t < actual.dim(0); ++t)
    for (std::int64_t i = 0; i < middle * last; ++i) {
      const std::int64_t offset = actual.rank() == 3 ? (i / last) * actual.stride(1) + i % last : i;
      const double x = actual.as<float>()[t * actual.stride(0) + offset];
      const double y = expected[static_cast<std::size_t>(t)][static_cast<std::size_t>(i)];
      worst = std::max(worst, std::isfinite(x) ? std::abs(x - y) : INFINITY);
    }
  return worst;
}

Transformer load(const TinyModel& model, const testing::WriteOptions& options = {}) {
  const auto folder = testing::scratch_folder();
  testing::write_model(model, folder, options);
  return Transformer::load(folder);
}

/// What the plain forward pass has for a name that the observer was handed; null for lse.
const Rows* expected_of(const PlainResult& plain, const Recorded& r) {
  if (r.name == "embed") return &plain.embed;
  if (r.name == "final") return &plain.last_hidden;
  const auto& layer = plain.layers.at(static_cast<std::size_t>(r.layer));
  const std::map<std::string, const Rows*> named = {
      {"attn.q", &layer.q},  {"attn.k", &layer.k},        {"attn.v", &layer.v},
      {"attn.z", &layer.z},  {"attn.out", &layer.out},    {"resid_pre", &layer.resid_pre},
      {"attn.lse", nullptr}, {"mlp.out", &layer.mlp_out}, {"resid_post", &layer.resid_post}};
  const std::string block = "blocks." + std::to_string(r.layer) + ".";
  EXPECT_TRUE(r.name.starts_with(block)) << r.name;
  return named.at(std::string(r.name.substr(block.size())));
}

/// Runs both forward passes and compares every activation that the observer is handed.
void expect_same(const TinyModel& tiny, const testing::WriteOptions& write = {},
                 std::string_view kernel = {}) {
  const Transformer model = load(tiny, write);
  const bool bert = model.config().family == Family::bert;
  const auto types = bert ? kTypes : std::vector<std::int64_t>();
  const PlainResult plain = testing::plain_forward(tiny, kIds, types);
  std::map<std::string, int> seen;
  ForwardOptions options;
  options.token_type_ids = types;
  options.kernel = kernel;
  options.observer = [&](const Recorded& r) {
    ++seen[std::string(r.name)];
    if (const Rows* expected = expected_of(plain, r)) {
      EXPECT_LT(difference(r.value, *expected), kTolerance) << r.name;
    }
  };
  const ForwardResult result = model.forward(kIds, options);
  EXPECT_LT(difference(result.last_hidden, plain.last_hidden), kTolerance);
  EXPECT_EQ(static_cast<bool>(result.logits), !bert || model.config().mlm_head);
  if (result.logits) {
    EXPECT_LT(difference(result.logits, plain.logits), kTolerance);
  }
  EXPECT_EQ(model.has_logits(), static_cast<bool>(result.logits));
  if (model.has_logits()) {
    EXPECT_LT(difference(model.logits(result.last_hidden), plain.logits), kTolerance);
  }
  EXPECT_EQ(seen.size(), 2 + 9u * static_cast<std::size_t>(model.config().n_layers));
  for (const auto& [name, times] : seen) EXPECT_EQ(times, 1) << name;
  if (!kernel.empty()) {
    EXPECT_EQ(result.attention.kernel, kernel);
  }
}

TEST(Transformer, Gpt2) {
  expect_same(testing::tiny_gpt2());
  expect_same(testing::tiny_gpt2(), {}, "ref");
  expect_same(testing::tiny_gpt2({{"n_inner", 7}, {"activation_function", "relu"}}));
  expect_same(testing::tiny_gpt2({{"scale_attn_weights", false}}));
  expect_same(testing::tiny_gpt2({{"scale_attn_by_inverse_layer_idx", true}}));
  expect_same(testing::tiny_gpt2(), {.dtype = DType::f32, .prefix = "transformer.", .shards = 1});
}

TEST(Transformer, Gpt2WithItsOwnHeadAndBias) {
  TinyModel tiny = testing::tiny_gpt2({{"tie_word_embeddings", false}});
  Tensor bias({17});
  for (std::size_t i = 0; i < 17; ++i) bias.span<float>()[i] = 0.1f * static_cast<float>(i);
  tiny.tensors["lm_head.bias"] = std::move(bias);
  expect_same(tiny);
}

TEST(Transformer, Llama) {
  expect_same(testing::tiny_llama());
  expect_same(testing::tiny_llama(), {}, "ref");
  expect_same(testing::tiny_llama({{"tie_word_embeddings", true}}));
  expect_same(testing::tiny_llama({{"num_key_value_heads", 1}}));
  expect_same(testing::tiny_llama({{"num_key_value_heads", 4}, {"hidden_act", "gelu"}}));
  expect_same(testing::tiny_llama({{"attention_bias", true}, {"mlp_bias", true}}),
              {.dtype = DType::f32, .prefix = "model.", .shards = 1});
}

TEST(Transformer, LlamaRopeScaling) {
  expect_same(testing::tiny_llama({{"rope_scaling", {{"rope_type", "linear"}, {"factor", 2.5}}}}));
  expect_same(testing::tiny_llama({{"rope_theta", 50.0},
                                   {"rope_scaling",
                                    {{"rope_type", "llama3"},
                                     {"factor", 8.0},
                                     {"low_freq_factor", 1.0},
                                     {"high_freq_factor", 4.0},
                                     {"original_max_position_embeddings", 64}}}}));
}

TEST(Transformer, LlamaBiasesThatTheConfigDoesNotMentionAreUsed) {
  TinyModel tiny = testing::tiny_llama({{"attention_bias", true}});
  tiny.config.erase("attention_bias");
  for (const char* part : {"k", "o"})  // a zero bias beside a present one
    tiny.tensors.erase(fmt::format("layers.0.self_attn.{}_proj.bias", part));
  expect_same(tiny);
}

TEST(Transformer, Bert) {
  expect_same(testing::tiny_bert());
  expect_same(testing::tiny_bert(), {}, "ref");
  expect_same(testing::tiny_bert(), {.dtype = DType::f32, .prefix = "bert.", .shards = 1});
  expect_same(testing::tiny_bert({{"architectures", {"BertForMaskedLM"}}}),
              {.dtype = DType::f32, .prefix = "bert.", .shards = 1});
}

TEST(Transformer, BertWithOldNormNames) {
  TinyModel tiny = testing::tiny_bert();
  TinyModel old = tiny.clone();
  for (const auto& [name, tensor] : tiny.tensors) {
    for (const auto& [now, then] :
         {std::pair("LayerNorm.weight", "LayerNorm.gamma"), {"LayerNorm.bias", "LayerNorm.beta"}}) {
      if (!name.ends_with(now)) continue;
      auto node = old.tensors.extract(name);
      node.key() = name.substr(0, name.rfind("LayerNorm")) + then;
      old.tensors.insert(std::move(node));
    }
  }
  const Transformer a = load(tiny);
  const auto expected = a.forward(kIds);
  const auto actual = load(old).forward(kIds);
  EXPECT_TRUE(
      std::ranges::equal(actual.last_hidden.span<float>(), expected.last_hidden.span<float>()));
}

TEST(Transformer, HalfPrecisionAndShards) {
  for (DType dtype : {DType::f16, DType::bf16}) {
    TinyModel tiny = testing::tiny_llama();
    tiny.round_to(dtype);
    expect_same(tiny, {.dtype = dtype, .prefix = "model.", .shards = 3});
  }
  TinyModel bert = testing::tiny_bert();
  bert.round_to(DType::f16);
  expect_same(bert, {.dtype = DType::f16, .prefix = "", .shards = 2});
}

TEST(Transformer, GatesScaleHeads) {
  const TinyModel tiny = testing::tiny_llama();
  const Transformer model = load(tiny);
  HeadGates gates(model.config());
  gates.set(0, 1, 0.5f);
  gates.set(1, 3, 0.0f);
  gates.set(1, 0, 0.25f);
  const PlainResult plain =
      testing::plain_forward(tiny, kIds, {}, {{1, 0.5, 1, 1}, {0.25, 1, 1, 0}});
  for (std::string_view kernel : {"", "ref"}) {
    ForwardOptions options;
    options.head_gates = &gates;
    options.kernel = kernel;
    options.observer = [&](const Recorded& r) {
      if (r.name == "blocks.1.attn.z") {
        EXPECT_LT(difference(r.value, plain.layers[1].z), kTolerance);
      }
    };
    EXPECT_LT(difference(model.forward(kIds, options).logits, plain.logits), kTolerance);
  }
  EXPECT_GT(difference(model.forward(kIds).logits, plain.logits), 1e-2) << "gates must matter";
}

TEST(Transformer, AGateActsLinearlyOnTheBlocksOutput) {
  const Transformer model = load(testing::tiny_gpt2());
  const auto out = [&](float gate) {
    HeadGates gates(model.config());
    gates.set(0, 2, gate);
    std::vector<float> values;
    ForwardOptions options;
    options.head_gates = &gates;
    options.observer = [&](const Recorded& r) {
      if (r.name == "blocks.0.attn.out")
        values.assign(r.value.as<float>(), r.value.as<float>() + r.value.numel());
    };
    model.forward(kIds, options);
    return values;
  };
  const auto closed = out(0), half = out(0.5f), open = out(1);
  double moved = 0;
  for (std::size_t i = 0; i < open.size(); ++i) {
    EXPECT_NEAR(half[i], 0.5f * (closed[i] + open[i]), 2e-6);
    moved = std::max<double>(moved, std::abs(open[i] - closed[i]));
  }
  EXPECT_GT(moved, 0.01);
}

TEST(Transformer, AShorterOrLongerCallReusesTheWorkspace) {
  const TinyModel tiny = testing::tiny_llama();
  const Transformer model = load(tiny);
  for (std::size_t n : {1u, 5u, 2u, 16u, 7u}) {  // 16: as long as the model allows
    std::vector<std::int64_t> ids = kIds;
    ids.resize(n, 4);
    EXPECT_LT(difference(model.forward(ids).logits, testing::plain_forward(tiny, ids).logits),
              kTolerance)
        << n << " tokens";
  }
}

TEST(Transformer, LogitsCanBeLeftOut) {
  ForwardOptions options;
  options.logits = false;
  const ForwardResult result = load(testing::tiny_gpt2()).forward(kIds, options);
  EXPECT_FALSE(result.logits);
  EXPECT_TRUE(result.last_hidden);
}

std::string refusal(const Transformer& model, const std::vector<std::int64_t>& ids,
                    const ForwardOptions& options = {}) {
  try {
    model.forward(ids, options);
  } catch (const Error& e) {
    return e.what();
  }
  return "accepted";
}

TEST(Transformer, InputOutOfRange) {
  const Transformer model = load(testing::tiny_gpt2());
  EXPECT_EQ(refusal(model, {}), "[model] no tokens: the input must hold at least one id");
  EXPECT_EQ(refusal(model, {1, 17}), "[model] token id 17 at position 1 is not in [0, 17)");
  EXPECT_EQ(refusal(model, {-1}), "[model] token id -1 at position 0 is not in [0, 17)");
  EXPECT_NE(refusal(model, std::vector<std::int64_t>(10, 1)).find("10 tokens are more than the 9"),
            std::string::npos);
  ForwardOptions options;
  const std::vector<std::int64_t> types = {0};
  options.token_type_ids = types;
  EXPECT_NE(refusal(model, {1}, options).find("no token types"), std::string::npos);
  const HeadGates gates(7, 7);
  options = {};
  options.head_gates = &gates;
  EXPECT_NE(refusal(model, {1}, options).find("7 layers x 7 heads"), std::string::npos);
  options = {};
  options.kernel = "warp";
  EXPECT_NE(refusal(model, {1}, options).find("warp"), std::string::npos);
  options = {};
  options.first_layer = 1;
  EXPECT_NE(refusal(model, {1}, options).find("the residual stream"), std::string::npos);
  const Tensor resid({2, 12});
  options.resid_pre = resid;
  EXPECT_NE(refusal(model, {1}, options).find("[2, 12]"), std::string::npos);
  options.first_layer = 2;
  EXPECT_NE(refusal(model, {1, 1}, options).find("first layer 2"), std::string::npos);
  const Transformer bert = load(testing::tiny_bert());
  options = {};
  const std::vector<std::int64_t> wrong = {0, 2};
  options.token_type_ids = wrong;
  EXPECT_NE(refusal(bert, {1, 1}, options).find("token type id 2 at position 1"),
            std::string::npos);
  EXPECT_NE(refusal(bert, {1}, options).find("2 token type ids for 1 tokens"), std::string::npos);
}

TEST(HeadGates, ChecksWhatIsSet) {
  HeadGates gates(2, 3);
  EXPECT_TRUE(gates.all_open());
  gates.set(1, 2, 0.25f);
  EXPECT_FALSE(gates.all_open());
  EXPECT_EQ(gates.layer(1)[2], 0.25f);
  EXPECT_EQ(gates.get(1, 2), 0.25f);
  EXPECT_THROW(gates.set(2, 0, 1), Error);
  EXPECT_THROW(gates.set(0, 3, 1), Error);
  EXPECT_THROW(gates.set(0, -1, 1), Error);
  EXPECT_THROW(gates.set(0, 0, 1.5f), Error);
  EXPECT_THROW(gates.set(0, 0, NAN), Error);
  EXPECT_THROW(gates.layer(2), Error);
}

}  // namespace
}  // namespace headlight
