// The forward pass: embeddings, blocks, final norm, head.
#pragma once

#include <cstdint>
#include <span>

#include "core/tensor.h"
#include "kernels/rope/rope.h"
#include "model/config.h"
#include "model/transformer.h"
#include "model/weights.h"

namespace headlight {

/// Tokens that go through an MLP together: its d_ff is most of what a token needs meanwhile.
inline constexpr std::int64_t kMlpRows = 4096;

/// Buffers that live from call to call, so that a short forward pass allocates next to nothing.
struct Workspace {
  std::int64_t capacity = 0;  ///< tokens that the buffers below hold
  Tensor x, h, out;           ///< [T, d_model]: residual stream, normed input, sublayer output
  Tensor qkv;                 ///< [T, (n_heads + 2 n_kv_heads) * head_dim]
  Tensor z;                   ///< [T, n_heads * head_dim]
  Tensor lse;                 ///< [n_heads, T]
  Tensor up, gate;            ///< [min(T, kMlpRows), d_ff]; gate only for a gated MLP
  RopeTable rope;

  /// Makes room for `length` tokens.
  void reserve(const ModelConfig& config, std::int64_t length);
};

/// Runs checked ids through the model. See Transformer::forward.
ForwardResult run_forward(const ModelConfig& config, const ModelWeights& weights,
                          Workspace& workspace, std::span<const std::int64_t> ids,
                          const ForwardOptions& options);

/// Checked hidden states [n, d_model] through the head. See Transformer::logits.
Tensor run_head(const ModelConfig& config, const ModelWeights& weights, TensorView last_hidden);

}  // namespace headlight
