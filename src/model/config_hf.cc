// Hugging Face's config.json, read into ModelConfig. Key names and defaults are those of
// transformers' GPT2Config, LlamaConfig and BertConfig.
#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "core/error.h"
#include "io/json.h"
#include "model/config.h"
#include "model/config_limits.h"
#include "model/config_rope.h"

namespace headlight {
namespace {

struct ActivationName {
  std::string_view name;
  Activation activation;
};
constexpr std::array kActivationNames = {ActivationName{"gelu", Activation::gelu_erf},
                                         ActivationName{"gelu_python", Activation::gelu_erf},
                                         ActivationName{"gelu_new", Activation::gelu_tanh},
                                         ActivationName{"gelu_pytorch_tanh", Activation::gelu_tanh},
                                         ActivationName{"gelu_fast", Activation::gelu_tanh},
                                         ActivationName{"silu", Activation::silu},
                                         ActivationName{"swish", Activation::silu},
                                         ActivationName{"relu", Activation::relu}};

Activation read_activation(const JsonObject& json, std::string_view key,
                           std::string_view fallback) {
  const std::string name = json.string_or(key, fallback);
  std::string known;
  for (const ActivationName& entry : kActivationNames) {
    if (entry.name == name) return entry.activation;
    known += known.empty() ? "" : ", ";
    known += entry.name;
  }
  fail("config", "{}: {} \"{}\" is not supported; supported: {}", json.source(), key,
       printable(name), known);
}

/// A norm's epsilon in (0, 1], also once it is rounded to fp32.
float read_eps(const JsonObject& json, std::string_view key, double fallback) {
  const double eps = json.number_or(key, fallback);
  check(static_cast<float>(eps) > 0 && eps <= 1, "config", "{}: {} {} is not in (0, 1]",
        json.source(), key, eps);
  return static_cast<float>(eps);
}

/// Special ids are advice only, and real files name ids past a cut vocabulary, or a list (several
/// ends of text): the first is taken, and one that no token has is left out.
std::optional<std::int64_t> read_special_id(const JsonObject& json, std::string_view key,
                                            std::int64_t vocab_size) {
  if (!json.has(key)) return std::nullopt;
  const Json& value = json.at(key);
  const Json& first = value.is_array() && !value.empty() ? value.front() : value;
  if (!first.is_number_integer()) return std::nullopt;
  const auto id = first.get<std::int64_t>();
  if (id < 0 || id >= vocab_size) return std::nullopt;
  return id;
}

void check_divides(const JsonObject& json, std::string_view divisor_key, std::int64_t divisor,
                   std::string_view key, std::int64_t value) {
  check(value % divisor == 0, "config", "{}: {} {} does not divide {} {}", json.source(),
        divisor_key, divisor, key, value);
}

/// Refuses a setting that would change the computation: better no output than a wrong one.
void refuse_flag(const JsonObject& json, std::string_view key) {
  check(!json.boolean_or(key, false), "config", "{}: {} true is not supported; supported: false",
        json.source(), key);
}

ModelConfig read_gpt2(const JsonObject& json) {
  ModelConfig c;
  c.family = Family::gpt2;
  c.d_model = json.integer("n_embd", 1, kMaxWidth);
  c.n_layers = json.integer("n_layer", 1, kMaxLayers);
  c.n_heads = json.integer("n_head", 1, kMaxHeads);
  check_divides(json, "n_head", c.n_heads, "n_embd", c.d_model);
  c.n_kv_heads = c.n_heads;
  c.head_dim = c.d_model / c.n_heads;
  c.d_ff = json.integer_or("n_inner", 4 * c.d_model, 0, kMaxWidth);
  c.vocab_size = json.integer("vocab_size", 1, kMaxSize);
  c.max_len = json.integer("n_positions", 1, kMaxSize);
  c.activation = read_activation(json, "activation_function", "gelu_new");
  c.norm_eps = read_eps(json, "layer_norm_epsilon", 1e-5);
  c.tied_head = json.boolean_or("tie_word_embeddings", true);
  c.scale_by_head_dim = json.boolean_or("scale_attn_weights", true);
  c.scale_by_layer = json.boolean_or("scale_attn_by_inverse_layer_idx", false);
  refuse_flag(json, "add_cross_attention");
  return c;
}

ModelConfig read_llama(const JsonObject& json) {
  ModelConfig c;
  c.family = Family::llama;
  c.d_model = json.integer("hidden_size", 1, kMaxWidth);
  c.n_layers = json.integer("num_hidden_layers", 1, kMaxLayers);
  c.n_heads = json.integer("num_attention_heads", 1, kMaxHeads);
  c.n_kv_heads = json.integer_or("num_key_value_heads", c.n_heads, 1, kMaxHeads);
  check_divides(json, "num_key_value_heads", c.n_kv_heads, "num_attention_heads", c.n_heads);
  if (!json.has("head_dim"))
    check_divides(json, "num_attention_heads", c.n_heads, "hidden_size", c.d_model);
  c.head_dim = json.integer_or("head_dim", c.d_model / c.n_heads, 1, kMaxHeadDim);
  check(c.head_dim % 2 == 0, "config", "{}: head_dim {} must be even for rotary embedding",
        json.source(), c.head_dim);
  c.d_ff = json.integer("intermediate_size", 1, kMaxWidth);
  c.vocab_size = json.integer("vocab_size", 1, kMaxSize);
  c.max_len = json.integer("max_position_embeddings", 1, kMaxSize);
  c.activation = read_activation(json, "hidden_act", "silu");
  c.norm_eps = read_eps(json, "rms_norm_eps", 1e-6);
  c.tied_head = json.boolean_or("tie_word_embeddings", false);
  c.attention_bias = json.boolean_or("attention_bias", false);
  c.mlp_bias = json.boolean_or("mlp_bias", false);
  c.rope_inv_freq = read_rope_frequencies(json, c.head_dim);
  return c;
}

/// Whether `architectures` lists a class of transformers; other entries do not matter.
bool has_architecture(const JsonObject& json, std::string_view name) {
  if (!json.has("architectures")) return false;
  const Json& list = json.at("architectures");
  return list.is_array() &&
         std::ranges::any_of(list, [&](const Json& entry) { return entry == name; });
}

ModelConfig read_bert(const JsonObject& json) {
  ModelConfig c;
  c.family = Family::bert;
  c.d_model = json.integer("hidden_size", 1, kMaxWidth);
  c.n_layers = json.integer("num_hidden_layers", 1, kMaxLayers);
  c.n_heads = json.integer("num_attention_heads", 1, kMaxHeads);
  if (!json.has("head_dim"))
    check_divides(json, "num_attention_heads", c.n_heads, "hidden_size", c.d_model);
  c.n_kv_heads = c.n_heads;
  c.head_dim = json.integer_or("head_dim", c.d_model / c.n_heads, 1, kMaxHeadDim);
  c.d_ff = json.integer("intermediate_size", 1, kMaxWidth);
  c.vocab_size = json.integer("vocab_size", 1, kMaxSize);
  c.max_len = json.integer("max_position_embeddings", 1, kMaxSize);
  c.n_token_types = json.integer_or("type_vocab_size", 2, 1, kMaxTokenTypes);
  c.activation = read_activation(json, "hidden_act", "gelu");
  c.norm_eps = read_eps(json, "layer_norm_eps", 1e-12);
  c.mlm_head = has_architecture(json, "BertForMaskedLM");
  const std::string positions = json.string_or("position_embedding_type", "absolute");
  check(positions == "absolute", "config",
        "{}: position_embedding_type \"{}\" is not supported; supported: absolute", json.source(),
        printable(positions));
  refuse_flag(json, "is_decoder");
  refuse_flag(json, "add_cross_attention");
  return c;
}

ModelConfig read_family(const JsonObject& json) {
  const std::string type = json.string("model_type");
  if (type == "gpt2") return read_gpt2(json);
  if (type == "llama") return read_llama(json);
  if (type == "bert") return read_bert(json);
  fail("config", "{}: model_type \"{}\" is not supported; supported: gpt2, llama, bert",
       json.source(), printable(type));
}

ModelConfig read_checked(const Json& value, std::string source) {
  const JsonObject json(value, std::move(source));
  ModelConfig config = read_family(json);
  config.bos_id = read_special_id(json, "bos_token_id", config.vocab_size);
  config.eos_id = read_special_id(json, "eos_token_id", config.vocab_size);
  check_config(config, json.source());
  return config;
}

}  // namespace

ModelConfig config_from_hugging_face(std::string_view text, std::string_view source) {
  return read_checked(parse_json(text, source), std::string(source));
}

ModelConfig read_config(const Folder& folder) {
  constexpr std::size_t kLimit = 16u << 20;  // real ones hold a few kilobytes
  const Json value = read_json_file(folder, "config.json", kLimit);
  return read_checked(value, printable((folder.path() / "config.json").string(), 300));
}

}  // namespace headlight
