#include "model/tensor_list.h"

#include <array>
#include <optional>

#include "core/error.h"

namespace headlight {
namespace {

enum class Extent : std::uint8_t {
  none,
  d_model,
  d_ff,
  q_width,    // n_heads * head_dim
  kv_width,   // n_kv_heads * head_dim
  qkv_width,  // q_width + 2 * kv_width
  vocab_size,
  max_len,
  n_token_types
};

enum class Need : std::uint8_t {
  always,
  optional,
  attention_bias,  // required when config.attention_bias, else optional
  mlp_bias,        // the same for config.mlp_bias
  mlp,             // required when d_ff is not 0, else not listed
  untied_head,     // required when the head is not tied, else not listed
  mlm_head         // required with a masked-token head, else not listed
};

/// {p} stands for the prefix and {l} for the layer.
struct TensorRule {
  std::string_view name;
  Slot slot;
  Extent rows;
  Extent columns = Extent::none;  // none: a vector of `rows`
  Need need = Need::always;
};

using enum Extent;

constexpr std::array kGpt2Model = {
    TensorRule{"{p}wte.weight", Slot::token_embedding, vocab_size, d_model},
    TensorRule{"{p}wpe.weight", Slot::position_embedding, max_len, d_model},
    TensorRule{"{p}ln_f.weight", Slot::final_norm_weight, d_model},
    TensorRule{"{p}ln_f.bias", Slot::final_norm_bias, d_model},
    TensorRule{"lm_head.weight", Slot::head_weight, vocab_size, d_model, Need::untied_head},
    TensorRule{"lm_head.bias", Slot::head_bias, vocab_size, none, Need::optional}};
constexpr std::array kGpt2Block = {
    TensorRule{"{p}h.{l}.ln_1.weight", Slot::attn_norm_weight, d_model},
    TensorRule{"{p}h.{l}.ln_1.bias", Slot::attn_norm_bias, d_model},
    TensorRule{"{p}h.{l}.attn.c_attn.weight", Slot::qkv_weight, d_model, qkv_width},
    TensorRule{"{p}h.{l}.attn.c_attn.bias", Slot::qkv_bias, qkv_width},
    TensorRule{"{p}h.{l}.attn.c_proj.weight", Slot::o_weight, q_width, d_model},
    TensorRule{"{p}h.{l}.attn.c_proj.bias", Slot::o_bias, d_model},
    TensorRule{"{p}h.{l}.ln_2.weight", Slot::mlp_norm_weight, d_model, none, Need::mlp},
    TensorRule{"{p}h.{l}.ln_2.bias", Slot::mlp_norm_bias, d_model, none, Need::mlp},
    TensorRule{"{p}h.{l}.mlp.c_fc.weight", Slot::up_weight, d_model, d_ff, Need::mlp},
    TensorRule{"{p}h.{l}.mlp.c_fc.bias", Slot::up_bias, d_ff, none, Need::mlp},
    TensorRule{"{p}h.{l}.mlp.c_proj.weight", Slot::down_weight, d_ff, d_model, Need::mlp},
    TensorRule{"{p}h.{l}.mlp.c_proj.bias", Slot::down_bias, d_model, none, Need::mlp}};

constexpr std::array kLlamaModel = {
    TensorRule{"{p}embed_tokens.weight", Slot::token_embedding, vocab_size, d_model},
    TensorRule{"{p}norm.weight", Slot::final_norm_weight, d_model},
    TensorRule{"lm_head.weight", Slot::head_weight, vocab_size, d_model, Need::untied_head},
    TensorRule{"lm_head.bias", Slot::head_bias, vocab_size, none, Need::optional}};
constexpr auto kAttentionBias = Need::attention_bias;
constexpr std::array kLlamaBlock = {
    TensorRule{"{p}layers.{l}.input_layernorm.weight", Slot::attn_norm_weight, d_model},
    TensorRule{"{p}layers.{l}.self_attn.q_proj.weight", Slot::q_weight, q_width, d_model},
    TensorRule{"{p}layers.{l}.self_attn.k_proj.weight", Slot::k_weight, kv_width, d_model},
    TensorRule{"{p}layers.{l}.self_attn.v_proj.weight", Slot::v_weight, kv_width, d_model},
    TensorRule{"{p}layers.{l}.self_attn.o_proj.weight", Slot::o_weight, d_model, q_width},
    TensorRule{"{p}layers.{l}.self_attn.q_proj.bias", Slot::q_bias, q_width, none, kAttentionBias},
    TensorRule{"{p}layers.{l}.self_attn.k_proj.bias", Slot::k_bias, kv_width, none, kAttentionBias},
    TensorRule{"{p}layers.{l}.self_attn.v_proj.bias", Slot::v_bias, kv_width, none, kAttentionBias},
    TensorRule{"{p}layers.{l}.self_attn.o_proj.bias", Slot::o_bias, d_model, none, kAttentionBias},
    TensorRule{"{p}layers.{l}.post_attention_layernorm.weight", Slot::mlp_norm_weight, d_model},
    TensorRule{"{p}layers.{l}.mlp.gate_proj.weight", Slot::gate_weight, d_ff, d_model},
    TensorRule{"{p}layers.{l}.mlp.up_proj.weight", Slot::up_weight, d_ff, d_model},
    TensorRule{"{p}layers.{l}.mlp.down_proj.weight", Slot::down_weight, d_model, d_ff},
    TensorRule{"{p}layers.{l}.mlp.gate_proj.bias", Slot::gate_bias, d_ff, none, Need::mlp_bias},
    TensorRule{"{p}layers.{l}.mlp.up_proj.bias", Slot::up_bias, d_ff, none, Need::mlp_bias},
    TensorRule{"{p}layers.{l}.mlp.down_proj.bias", Slot::down_bias, d_model, none, Need::mlp_bias}};

constexpr std::array kBertModel = {
    TensorRule{"{p}embeddings.word_embeddings.weight", Slot::token_embedding, vocab_size, d_model},
    TensorRule{"{p}embeddings.position_embeddings.weight", Slot::position_embedding, max_len,
               d_model},
    TensorRule{"{p}embeddings.token_type_embeddings.weight", Slot::token_type_embedding,
               n_token_types, d_model},
    TensorRule{"{p}embeddings.LayerNorm.weight", Slot::embed_norm_weight, d_model},
    TensorRule{"{p}embeddings.LayerNorm.bias", Slot::embed_norm_bias, d_model},
    TensorRule{"{p}pooler.dense.weight", Slot::unused, d_model, d_model, Need::optional},
    TensorRule{"{p}pooler.dense.bias", Slot::unused, d_model, none, Need::optional},
    TensorRule{"cls.predictions.transform.dense.weight", Slot::head_transform_weight, d_model,
               d_model, Need::mlm_head},
    TensorRule{"cls.predictions.transform.dense.bias", Slot::head_transform_bias, d_model, none,
               Need::mlm_head},
    TensorRule{"cls.predictions.transform.LayerNorm.weight", Slot::head_norm_weight, d_model, none,
               Need::mlm_head},
    TensorRule{"cls.predictions.transform.LayerNorm.bias", Slot::head_norm_bias, d_model, none,
               Need::mlm_head},
    TensorRule{"cls.predictions.bias", Slot::head_bias, vocab_size, none, Need::mlm_head}};
constexpr std::array kBertBlock = {
    TensorRule{"{p}encoder.layer.{l}.attention.self.query.weight", Slot::q_weight, q_width,
               d_model},
    TensorRule{"{p}encoder.layer.{l}.attention.self.query.bias", Slot::q_bias, q_width},
    TensorRule{"{p}encoder.layer.{l}.attention.self.key.weight", Slot::k_weight, kv_width, d_model},
    TensorRule{"{p}encoder.layer.{l}.attention.self.key.bias", Slot::k_bias, kv_width},
    TensorRule{"{p}encoder.layer.{l}.attention.self.value.weight", Slot::v_weight, kv_width,
               d_model},
    TensorRule{"{p}encoder.layer.{l}.attention.self.value.bias", Slot::v_bias, kv_width},
    TensorRule{"{p}encoder.layer.{l}.attention.output.dense.weight", Slot::o_weight, d_model,
               q_width},
    TensorRule{"{p}encoder.layer.{l}.attention.output.dense.bias", Slot::o_bias, d_model},
    TensorRule{"{p}encoder.layer.{l}.attention.output.LayerNorm.weight", Slot::attn_norm_weight,
               d_model},
    TensorRule{"{p}encoder.layer.{l}.attention.output.LayerNorm.bias", Slot::attn_norm_bias,
               d_model},
    TensorRule{"{p}encoder.layer.{l}.intermediate.dense.weight", Slot::up_weight, d_ff, d_model},
    TensorRule{"{p}encoder.layer.{l}.intermediate.dense.bias", Slot::up_bias, d_ff},
    TensorRule{"{p}encoder.layer.{l}.output.dense.weight", Slot::down_weight, d_model, d_ff},
    TensorRule{"{p}encoder.layer.{l}.output.dense.bias", Slot::down_bias, d_model},
    TensorRule{"{p}encoder.layer.{l}.output.LayerNorm.weight", Slot::mlp_norm_weight, d_model},
    TensorRule{"{p}encoder.layer.{l}.output.LayerNorm.bias", Slot::mlp_norm_bias, d_model}};

constexpr std::array<std::string_view, 2> kGpt2Prefixes = {"transformer.", ""};
constexpr std::array<std::string_view, 2> kLlamaPrefixes = {"model.", ""};
constexpr std::array<std::string_view, 2> kBertPrefixes = {"bert.", ""};
constexpr std::array<std::string_view, 2> kGpt2Buffers = {".attn.bias", ".attn.masked_bias"};
constexpr std::array<std::string_view, 1> kLlamaBuffers = {"rotary_emb.inv_freq"};
constexpr std::array<std::string_view, 1> kBertBuffers = {"embeddings.position_ids"};

struct FamilyTensors {
  Family family;
  std::span<const std::string_view> prefixes;
  std::string_view block_prefix;
  WeightLayout layout;
  std::span<const std::string_view> buffers;  // endings of names
  std::span<const TensorRule> model, block;
};

constexpr std::array kFamilies = {
    FamilyTensors{Family::gpt2, kGpt2Prefixes, "h.", WeightLayout::in_out, kGpt2Buffers, kGpt2Model,
                  kGpt2Block},
    FamilyTensors{Family::llama, kLlamaPrefixes, "layers.", WeightLayout::out_in, kLlamaBuffers,
                  kLlamaModel, kLlamaBlock},
    FamilyTensors{Family::bert, kBertPrefixes, "encoder.layer.", WeightLayout::out_in, kBertBuffers,
                  kBertModel, kBertBlock}};

const FamilyTensors& tensors_of(Family family) {
  for (const FamilyTensors& entry : kFamilies)
    if (entry.family == family) return entry;
  fail("model", "family {} has no tensor list", static_cast<int>(family));
}

std::int64_t size_of(Extent extent, const ModelConfig& c) {
  switch (extent) {
    case Extent::d_model:
      return c.d_model;
    case Extent::d_ff:
      return c.d_ff;
    case Extent::q_width:
      return c.n_heads * c.head_dim;
    case Extent::kv_width:
      return c.n_kv_heads * c.head_dim;
    case Extent::qkv_width:
      return (c.n_heads + 2 * c.n_kv_heads) * c.head_dim;
    case Extent::vocab_size:
      return c.vocab_size;
    case Extent::max_len:
      return c.max_len;
    case Extent::n_token_types:
      return c.n_token_types;
    case Extent::none:
      break;
  }
  return 1;
}

/// Whether the configuration asks for a tensor: yes, if it is there, or not at all (nullopt).
std::optional<bool> is_required(Need need, const ModelConfig& config) {
  switch (need) {
    case Need::always:
      return true;
    case Need::optional:
      return false;
    case Need::attention_bias:
      return config.attention_bias;
    case Need::mlp_bias:
      return config.mlp_bias;
    case Need::mlp:
      if (config.d_ff == 0) return std::nullopt;
      return true;
    case Need::untied_head:
      if (config.tied_head) return std::nullopt;
      return true;
    case Need::mlm_head:
      if (!config.mlm_head) return std::nullopt;
      return true;
  }
  return true;
}

std::vector<TensorSpec> specs(std::span<const TensorRule> rules, const ModelConfig& config,
                              std::string_view prefix, std::int64_t layer) {
  std::vector<TensorSpec> out;
  for (const TensorRule& rule : rules) {
    const std::optional<bool> required = is_required(rule.need, config);
    if (!required) continue;
    Shape shape = {size_of(rule.rows, config)};
    if (rule.columns != Extent::none) shape.push_back(size_of(rule.columns, config));
    out.push_back(
        {fmt::format(fmt::runtime(rule.name), fmt::arg("p", prefix), fmt::arg("l", layer)),
         rule.slot, shape, *required});
  }
  return out;
}

}  // namespace

std::span<const std::string_view> name_prefixes(Family family) {
  return tensors_of(family).prefixes;
}

std::string_view block_prefix(Family family) {
  return tensors_of(family).block_prefix;
}

WeightLayout weight_layout(Family family) {
  return tensors_of(family).layout;
}

bool is_known_buffer(Family family, std::string_view name) {
  for (std::string_view ending : tensors_of(family).buffers)
    if (name.ends_with(ending)) return true;
  return false;
}

std::vector<TensorSpec> model_tensors(const ModelConfig& config, std::string_view prefix) {
  return specs(tensors_of(config.family).model, config, prefix, 0);
}

std::vector<TensorSpec> block_tensors(const ModelConfig& config, std::string_view prefix,
                                      std::int64_t layer) {
  return specs(tensors_of(config.family).block, config, prefix, layer);
}

}  // namespace headlight
