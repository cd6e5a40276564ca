// What a model is: one configuration for three families, read from Hugging Face's config.json.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/activations.h"

namespace headlight {

/// gpt2: pre-norm decoder, learned positions. llama: RMSNorm, RoPE, gated MLP, grouped-query heads.
/// bert: post-norm encoder, learned positions, token types.
enum class Family : std::uint8_t { gpt2, llama, bert };
std::string_view name_of(Family family);

struct ModelConfig {
  Family family = Family::gpt2;
  std::int64_t d_model = 0, n_layers = 0, n_heads = 0, n_kv_heads = 0, head_dim = 0;
  std::int64_t d_ff = 0, vocab_size = 0, max_len = 0;
  std::int64_t n_token_types = 0;  ///< bert only
  Activation activation = Activation::gelu_erf;
  float norm_eps = 1e-5f;
  bool tied_head = false;             ///< logits use the token embedding
  std::vector<double> rope_inv_freq;  ///< llama only: head_dim / 2 frequencies, any scaling applied
  std::optional<std::int64_t> bos_id, eos_id;

  bool causal() const { return family != Family::bert; }
};

/// Reads and checks `folder`/config.json. Errors name the file, the key, and what is supported.
ModelConfig read_config(const std::filesystem::path& folder);
/// The fields as JSON text (DESIGN names), for trace metadata and --json; and back.
std::string to_json(const ModelConfig& config);
ModelConfig config_from_json(std::string_view text, std::string_view source);

}  // namespace headlight
