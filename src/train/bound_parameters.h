// The tensors of a parameter store by their role, as the passes use them.
#pragma once

#include <vector>

#include "core/tensor.h"
#include "kernels/matmul/matmul.h"
#include "train/parameters.h"

namespace headlight {

struct NormParameters {
  MutableTensorView weight, bias;  ///< [d]; bias empty in RMSNorm
};

/// A linear layer; the weight is stored as `layout` says, the bias may be empty.
struct LinearParameters {
  MutableTensorView weight, bias;
  WeightLayout layout = WeightLayout::out_in;

  explicit operator bool() const { return static_cast<bool>(weight); }
};

struct BlockParameters {
  NormParameters attn_norm, mlp_norm;
  LinearParameters qkv, out;
  LinearParameters gate, up, down;  ///< gate: gated MLPs only; all empty without an MLP
};

struct ModelParameters {
  MutableTensorView token_embedding, position_embedding, token_type_embedding;
  NormParameters embed_norm, final_norm;
  LinearParameters head_transform;  ///< bert's masked-token head
  NormParameters head_norm;
  LinearParameters head;  ///< to logits; tied: its weight is the token embedding
  std::vector<BlockParameters> blocks;
};

/// Views into a store: of values, or of their gradients.
ModelParameters bind(const ParameterLayout& layout, Tensor& store);

}  // namespace headlight
