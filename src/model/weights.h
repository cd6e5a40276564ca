// The weights of one model, checked and packed once at load.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/folder.h"
#include "core/tensor.h"
#include "kernels/matmul/matmul.h"
#include "model/config.h"

namespace headlight {

/// LayerNorm has both, RMSNorm no bias; weight empty: the family has no such norm.
struct NormWeights {
  Tensor weight, bias;  ///< [d_model]
};

struct BlockWeights {
  NormWeights attn_norm, mlp_norm;
  Linear qkv;   ///< d_model -> (n_heads + 2 n_kv_heads) * head_dim: q, then k, then v
  Linear out;   ///< W_O and b_O
  Tensor w_o;   ///< [n_heads * head_dim, d_model]: rows h * head_dim... are W_O^h
  Tensor b_o;   ///< [d_model] or empty
  Linear gate;  ///< llama's gated MLP only
  Linear up, down;
};

struct ModelWeights {
  Tensor token_embedding;       ///< [vocab_size, d_model]
  Tensor position_embedding;    ///< [max_len, d_model]; empty with RoPE
  Tensor token_type_embedding;  ///< [n_token_types, d_model]; bert only
  NormWeights embed_norm;       ///< bert only
  NormWeights final_norm;       ///< not in bert
  std::vector<BlockWeights> blocks;
  Linear head_transform;  ///< bert's masked-token head: dense, activation, norm come before `head`
  NormWeights head_norm;
  Linear head;  ///< to logits; empty for a bert without a head for masked tokens
  std::int64_t n_parameters = 0;
  std::vector<std::string>
      unused;  ///< tensors of the checkpoint outside the model, e.g. a classifier
};

/// Reads and checks every tensor that the configuration asks for. Throws Error("model", ...) naming
/// the file and the tensor when one is missing, has another shape (both named) or dtype, holds NaN
/// or infinity (index named), or when a block holds a tensor that this family does not know: its
/// output would be wrong.
ModelWeights load_weights(const Folder& folder, const ModelConfig& config);

/// The number of parameters that loading would find. Makes the same checks and throws the same
/// errors, but for the values of the weights, which are not read.
std::int64_t count_parameters(const Folder& folder, const ModelConfig& config);

}  // namespace headlight
