// What the forward pass leaves for the backward pass, and room to compute gradients in.
#pragma once

#include <cstdint>
#include <vector>

#include "core/tensor.h"
#include "kernels/rope/rope.h"
#include "model/config.h"
#include "train/head_overlap.h"

namespace headlight {

/// The activations of one block, rows of tokens; O(T) for attention, too: q, k, v and lse.
struct BlockTape {
  Tensor x;         ///< [rows, d_model] the residual stream before the block
  Tensor h;         ///< pre-norm only: norm(x), what q, k and v are computed from
  Tensor qkv;       ///< [rows, (n_heads + 2 n_kv_heads) * head_dim], RoPE applied
  Tensor z;         ///< [rows, n_heads * head_dim]
  Tensor lse;       ///< [n_heads * rows], one group of sequences after another
  Tensor mid;       ///< x + attention
  Tensor h2;        ///< norm(mid), what the MLP reads
  Tensor gate, up;  ///< [rows, d_ff] before the activation; gate in gated MLPs only
  Tensor active;    ///< [rows, d_ff] what `down` reads
  Tensor last;      ///< post-norm only: h2 + MLP, what the second norm reads
};

/// Buffers of one pass, kept from pass to pass; they grow and are never shrunk.
struct Tape {
  std::int64_t capacity = 0;  ///< rows
  std::vector<BlockTape> blocks;
  Tensor embedded;  ///< bert only: the sum of embeddings, what their norm reads
  Tensor x, final;  ///< the residual stream after the blocks; after the final norm
  Tensor d_x, d_h, d_qkv, d_z, d_ff, d_gate;  ///< gradients on their way down
  RopeTable rope;
  /// [n_layers * n_heads] what each head's z is multiplied by, and the gradients; empty: 1.
  std::vector<float> head_gates, d_head_gates;
  std::vector<HeadOverlap> overlaps;  ///< of each group of sequences; empty: it costs nothing
  double overlap_weight = 0;          ///< in the gradients

  void reserve(const ModelConfig& config, std::int64_t rows);
};

/// The first `rows` rows of a buffer.
MutableTensorView first_rows(Tensor& buffer, std::int64_t rows);

}  // namespace headlight
