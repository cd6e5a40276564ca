#include "model/config.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "support/shared.h"

namespace headlight {
namespace {
using Json = nlohmann::json;

const Json kGpt2 = {{"model_type", "gpt2"}, {"n_embd", 48},       {"n_head", 3},
                    {"n_layer", 3},         {"n_positions", 11},  {"vocab_size", 3},
                    {"bos_token_id", 1},    {"eos_token_id", 99}, {"n_inner", nullptr}};
const Json kLlama = {{"model_type", "llama"},    {"hidden_size", 64},
                     {"intermediate_size", 172}, {"num_hidden_layers", 5},
                     {"num_attention_heads", 8}, {"num_key_value_heads", 4},
                     {"vocab_size", 512},        {"max_position_embeddings", 512},
                     {"eos_token_id", {2, 3}}};
const Json kBert = {{"model_type", "bert"},    {"hidden_size", 384},
                    {"num_hidden_layers", 6},  {"num_attention_heads", 12},
                    {"vocab_size", 30522},     {"intermediate_size", 1536},
                    {"type_vocab_size", 2},    {"max_position_embeddings", 512},
                    {"layer_norm_eps", 1e-12}, {"hidden_act", "gelu"}};

Json with(Json config, const Json& overrides) {
  config.update(overrides);
  return config;
}

Json without(Json config, const char* key) {
  config.erase(key);
  return config;
}

ModelConfig parse(const Json& config) {
  const auto folder = testing::scratch_folder();
  std::ofstream(folder / "config.json") << config.dump();
  return read_config(folder);
}

/// The message that a config is refused with; empty when it is accepted.
std::string refusal(const Json& config) {
  try {
    parse(config);
  } catch (const Error& e) {
    return e.what();
  }
  return {};
}

TEST(Config, ReadsGpt2) {
  const ModelConfig c = parse(kGpt2);
  EXPECT_EQ(c.family, Family::gpt2);
  EXPECT_EQ(c.d_model, 48);
  EXPECT_EQ(c.n_kv_heads, 3);
  EXPECT_EQ(c.head_dim, 16);
  EXPECT_EQ(c.d_ff, 192);
  EXPECT_EQ(c.max_len, 11);
  EXPECT_EQ(c.activation, Activation::gelu_tanh);
  EXPECT_TRUE(c.tied_head);
  EXPECT_TRUE(c.causal());
  EXPECT_EQ(c.bos_id, 1);
  EXPECT_FALSE(c.eos_id) << "99 is outside the vocabulary";
  EXPECT_FLOAT_EQ(c.attention_scale(2), 0.25f);
}

TEST(Config, Gpt2ScalingFlags) {
  EXPECT_EQ(parse(with(kGpt2, {{"scale_attn_weights", false}})).attention_scale(0), 1.0f);
  const ModelConfig c = parse(with(kGpt2, {{"scale_attn_by_inverse_layer_idx", true}}));
  EXPECT_FLOAT_EQ(c.attention_scale(1), 0.125f);
}

TEST(Config, ReadsLlama) {
  const ModelConfig c = parse(kLlama);
  EXPECT_EQ(c.n_kv_heads, 4);
  EXPECT_EQ(c.head_dim, 8);
  EXPECT_EQ(c.activation, Activation::silu);
  EXPECT_FALSE(c.tied_head);
  EXPECT_FLOAT_EQ(c.norm_eps, 1e-6f);
  EXPECT_EQ(c.eos_id, 2);
  ASSERT_EQ(c.rope_inv_freq.size(), 4u);
  EXPECT_DOUBLE_EQ(c.rope_inv_freq[0], 1.0);
  EXPECT_NEAR(c.rope_inv_freq[1], 0.1, 1e-12);
  EXPECT_EQ(parse(without(kLlama, "num_key_value_heads")).n_kv_heads, 8);
  EXPECT_EQ(parse(with(kLlama, {{"head_dim", 32}})).head_dim, 32);
}

TEST(Config, ReadsBert) {
  const ModelConfig c = parse(kBert);
  EXPECT_EQ(c.n_token_types, 2);
  EXPECT_EQ(c.activation, Activation::gelu_erf);
  EXPECT_FLOAT_EQ(c.norm_eps, 1e-12f);
  EXPECT_FALSE(c.causal());
}

TEST(Config, LinearRopeScalingDividesFrequencies) {
  const ModelConfig old =
      parse(with(kLlama, {{"rope_scaling", {{"type", "linear"}, {"factor", 4.0}}}}));
  EXPECT_DOUBLE_EQ(old.rope_inv_freq[0], 0.25);
  const ModelConfig now = parse(with(
      kLlama,
      {{"rope_parameters", {{"rope_type", "linear"}, {"factor", 4.0}, {"rope_theta", 16.0}}}}));
  EXPECT_DOUBLE_EQ(now.rope_inv_freq[0], 0.25);
  EXPECT_NEAR(now.rope_inv_freq[2], 0.0625, 1e-15);
}

TEST(Config, Llama3RopeScalingKeepsShortAndStretchesLongWavelengths) {
  const Json scaling = {{"rope_type", "llama3"},
                        {"factor", 8.0},
                        {"low_freq_factor", 1.0},
                        {"high_freq_factor", 4.0},
                        {"original_max_position_embeddings", 8192}};
  const ModelConfig c =
      parse(with(kLlama, {{"rope_theta", 500000.0}, {"head_dim", 128}, {"rope_scaling", scaling}}));
  // Llama 3.1 8B's frequencies: theta^(-2i/128), wavelengths below 2048 kept, above 8192 stretched.
  const auto plain = [](int i) { return std::pow(500000.0, -2.0 * i / 128); };
  EXPECT_DOUBLE_EQ(c.rope_inv_freq[0], 1.0);
  EXPECT_NEAR(c.rope_inv_freq[20], plain(20), 1e-15);
  EXPECT_NEAR(c.rope_inv_freq[63], plain(63) / 8, 1e-18);
  // In between: 8192 / wavelength turns, (turns - 1) / 3 of the way.
  const double turns = 8192 * plain(32) / (2 * M_PI), keep = (turns - 1) / 3;
  ASSERT_TRUE(keep > 0 && keep < 1);
  EXPECT_NEAR(c.rope_inv_freq[32], plain(32) * (keep + (1 - keep) / 8), 1e-15);
}

struct Refused {
  Json config;
  std::vector<std::string> says;
};

TEST(Config, RefusalsNameTheKeyAndTheValue) {
  const std::vector<Refused> cases = {
      {with(kGpt2, {{"model_type", "mistral"}}), {"mistral", "gpt2, llama, bert"}},
      {with(kGpt2, {{"model_type", "qwen2"}}), {"qwen2", "gpt2, llama, bert"}},
      {without(kGpt2, "model_type"), {"model_type"}},
      {without(kGpt2, "n_layer"), {"n_layer"}},
      {without(kLlama, "intermediate_size"), {"intermediate_size"}},
      {without(kBert, "max_position_embeddings"), {"max_position_embeddings"}},
      {with(kGpt2, {{"n_head", 7}}), {"n_head 7", "n_embd 48"}},
      {with(kGpt2, {{"n_layer", -1}}), {"n_layer", "-1"}},
      {with(kGpt2, {{"n_layer", 1LL << 40}}), {"n_layer"}},
      {with(kGpt2, {{"vocab_size", 1LL << 62}}), {"vocab_size"}},
      {with(kGpt2, {{"n_embd", "48"}}), {"n_embd"}},
      {with(kGpt2, {{"n_embd", 48.5}}), {"n_embd"}},
      {with(kGpt2, {{"layer_norm_epsilon", -1e-5}}), {"layer_norm_epsilon"}},
      {with(kGpt2, {{"activation_function", "mish"}}), {"activation_function", "mish", "gelu_new"}},
      {with(kGpt2, {{"add_cross_attention", true}}), {"add_cross_attention"}},
      {with(kLlama, {{"num_key_value_heads", 3}}),
       {"num_key_value_heads 3", "num_attention_heads 8"}},
      {with(kLlama, {{"num_key_value_heads", 16}}), {"num_key_value_heads"}},
      {with(kLlama, {{"head_dim", 7}}), {"head_dim 7", "even"}},
      {with(kLlama, {{"rope_theta", 0}}), {"rope_theta"}},
      {with(kLlama, {{"rope_scaling", {{"rope_type", "yarn"}}}}), {"yarn", "linear", "llama3"}},
      {with(kLlama, {{"rope_scaling", {{"type", "linear"}}}}), {"factor"}},
      {with(kLlama, {{"rope_scaling", 3}}), {"rope_scaling"}},
      {with(kBert, {{"position_embedding_type", "relative_key"}}), {"relative_key", "absolute"}},
      {with(kBert, {{"is_decoder", true}}), {"is_decoder"}},
      {Json::array({1, 2}), {"config.json"}},
  };
  for (const Refused& c : cases) {
    const std::string message = refusal(c.config);
    EXPECT_NE(message.find("config.json"), std::string::npos) << message << "\n" << c.config.dump();
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    for (const std::string& part : c.says)
      EXPECT_NE(message.find(part), std::string::npos) << "no " << part << " in: " << message;
  }
}

TEST(Config, JsonRoundTrip) {
  const Json scaled = {{"rope_scaling", {{"type", "linear"}, {"factor", 3.0}}}};
  for (const Json& config : {kGpt2, with(kLlama, scaled), kBert}) {
    const ModelConfig c = parse(config);
    EXPECT_EQ(config_from_json(to_json(c), "here"), c);
  }
}

TEST(Config, FromJsonChecksEveryField) {
  const Json good = Json::parse(to_json(parse(kLlama)));
  const auto refused = [](const Json& json) {
    EXPECT_THROW(config_from_json(json.dump(), "here"), Error) << json.dump();
  };
  for (const auto& [key, value] : good.items())
    if (key != "bos_id" && key != "eos_id") refused(without(good, key.c_str()));
  refused(with(good, {{"n_kv_heads", 3}}));
  refused(with(good, {{"d_model", 0}}));
  refused(with(good, {{"family", "rnn"}}));
  refused(with(good, {{"rope_inv_freq", {1.0}}}));
  refused(with(good, {{"rope_inv_freq", "fast"}}));
  refused(with(good, {{"norm_eps", 0}}));
}

}  // namespace
}  // namespace headlight
