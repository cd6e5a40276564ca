// Concat and W_O at one token of one layer: what each head puts side by side, and what it adds.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/tensor.h"
#include "inspect/trace.h"

namespace headlight {

/// One summand of the attention output.
struct AddedVector {
  double norm = 0;    ///< Euclidean
  double cosine = 0;  ///< with the whole output; 0 when either is zero
  /// The part of the output's length that it makes up: (vector . output) / |output|^2. The shares
  /// of all heads and of b_O add up to 1; 0 when the output is zero.
  double share = 0;
};

AddedVector added_vector(std::span<const float> vector, std::span<const float> out);

struct Concat {
  Tensor z;         ///< [n_heads, head_dim]: the concatenated vector, head by head
  Tensor head_out;  ///< [n_heads, d_model]: z_h W_O^h
  Tensor out;       ///< [d_model]: their sum plus b_O, as the forward pass had it
  std::vector<AddedVector> heads;
  AddedVector b_o;  ///< zeros when the model has none
};

/// Throws when the trace is of another model, or layer or query is out of range.
Concat concat_at(const Transformer& model, const Trace& trace, std::int64_t layer,
                 std::int64_t query);

/// What each source token gives the query token through the heads of a layer:
/// sum over h of gates[h] * pattern_h[query, j] * v_h[j] W_O^h, fp32 [T, d_model] (Kobayashi et al.
/// 2020, "Attention is Not Only a Weight": norms of these tell more than the weights). Over all
/// tokens they add up to the attention output less b_O. `gates`: [n_heads], or empty: all 1.
Tensor source_contributions(const Transformer& model, const Trace& trace, std::int64_t layer,
                            std::int64_t query, std::span<const float> gates = {});

}  // namespace headlight
