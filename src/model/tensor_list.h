// The tensors of each family, declared once: loading, shape checks, counting parameters and the
// reports of what is missing or unexpected all read this list.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/shape.h"
#include "kernels/matmul/matmul.h"
#include "model/config.h"

namespace headlight {

/// What a tensor is for. `unused` ones are known, checked and counted, but take no part in the
/// forward pass.
enum class Slot : std::uint8_t {
  token_embedding,
  position_embedding,
  token_type_embedding,
  embed_norm_weight,
  embed_norm_bias,
  final_norm_weight,
  final_norm_bias,
  head_weight,
  head_bias,
  head_transform_weight,
  head_transform_bias,
  head_norm_weight,
  head_norm_bias,
  attn_norm_weight,
  attn_norm_bias,
  qkv_weight,
  qkv_bias,
  q_weight,
  q_bias,
  k_weight,
  k_bias,
  v_weight,
  v_bias,
  o_weight,
  o_bias,
  mlp_norm_weight,
  mlp_norm_bias,
  gate_weight,
  gate_bias,
  up_weight,
  up_bias,
  down_weight,
  down_bias,
  unused,
  count
};

/// One tensor that a configuration asks for.
struct TensorSpec {
  std::string name;  ///< as the checkpoint spells it, prefix included
  Slot slot = Slot::unused;
  Shape shape;
  bool required = true;
};

/// The prefixes a family's names may carry ("transformer." or none), the usual one first.
std::span<const std::string_view> name_prefixes(Family family);
/// What every name of a block starts with after the prefix and before the layer: "h.".
std::string_view block_prefix(Family family);
/// How the linear layers of a family lie in memory.
WeightLayout weight_layout(Family family);
/// Buffers that old checkpoints store beside the weights (masks, position ids, RoPE frequencies).
bool is_known_buffer(Family family, std::string_view name);

/// The tensors outside the blocks; a head that is tied to the embedding is not among them.
std::vector<TensorSpec> model_tensors(const ModelConfig& config, std::string_view prefix);
/// The tensors of one block.
std::vector<TensorSpec> block_tensors(const ModelConfig& config, std::string_view prefix,
                                      std::int64_t layer);

}  // namespace headlight
