// What a model is: one configuration for three families, read from Hugging Face's config.json.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/folder.h"
#include "kernels/activations/activations.h"

namespace headlight {

/// gpt2: pre-norm decoder, learned positions. llama: RMSNorm, RoPE, gated MLP, grouped-query heads.
/// bert: post-norm encoder, learned positions, token types.
enum class Family : std::uint8_t { gpt2, llama, bert };
std::string_view name_of(Family family);

struct ModelConfig {
  Family family = Family::gpt2;
  std::int64_t d_model = 0, n_layers = 0, n_heads = 0, n_kv_heads = 0, head_dim = 0;
  std::int64_t d_ff = 0, vocab_size = 0, max_len = 0;  ///< d_ff 0, gpt2 only: blocks without an MLP
  std::int64_t n_token_types = 0;                      ///< bert only
  Activation activation = Activation::gelu_erf;
  float norm_eps = 1e-5f;
  bool tied_head = false;         ///< logits use the token embedding
  bool attention_bias = false;    ///< llama only: q, k, v and W_O must have biases
  bool mlp_bias = false;          ///< llama only: the MLP must have biases
  bool mlm_head = false;          ///< bert only: a head for masked tokens, tied to the embedding
  bool scale_by_head_dim = true;  ///< scores are divided by sqrt(head_dim); off in some gpt2
  bool scale_by_layer = false;    ///< gpt2 only: scores of block l are also divided by l + 1
  std::vector<double> rope_inv_freq;  ///< llama only: head_dim / 2 frequencies, any scaling applied
  std::optional<std::int64_t> bos_id, eos_id;

  bool causal() const { return family != Family::bert; }
  /// What scores q k^T of a block are multiplied by.
  float attention_scale(std::int64_t layer) const;
  friend bool operator==(const ModelConfig&, const ModelConfig&) = default;
};

/// Reads and checks `folder`/config.json. Errors name the file, the key, and what is supported.
ModelConfig read_config(const Folder& folder);
/// The same for the text of a config.json; `source` names it in errors.
ModelConfig config_from_hugging_face(std::string_view text, std::string_view source);
/// The fields as JSON text (DESIGN names), for trace metadata and --json; and back. Back, every
/// field but the two ids is required, and checked as strictly as a config.json; errors name
/// `source` and the field.
std::string to_json(const ModelConfig& config);
ModelConfig config_from_json(std::string_view text, std::string_view source);

/// Throws, naming `source` and the field, unless the sizes are in range and fit each other.
void check_config(const ModelConfig& config, std::string_view source);

}  // namespace headlight
