// A second, independent forward pass: nested vectors of double and the plainest loops, written from
// the papers' formulas and Hugging Face's names. It shares no code with the library it checks.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "support/tiny_model.h"

namespace headlight::testing {

using Row = std::vector<double>;
using Rows = std::vector<Row>;

struct PlainLayer {
  Rows q, k, v;                ///< [T][heads * head_dim], RoPE applied
  std::vector<Rows> patterns;  ///< [H][T][T]
  Rows z;                      ///< [T][H * head_dim]
  Rows out, mlp_out;           ///< [T][d_model]
  Rows resid_pre, resid_post;  ///< [T][d_model]
};

struct PlainResult {
  std::vector<PlainLayer> layers;
  Rows embed, last_hidden, logits;  ///< logits empty for bert without a head
};

/// Changes what a layer is about to use: `z` before W_O, and what its sublayers add, each when it
/// is at hand (`layer.z`, then `layer.out`, then `layer.mlp_out`).
enum class PlainPoint { z, out, mlp_out };
using PlainEdit = std::function<void(PlainPoint, std::size_t layer, PlainLayer&)>;

/// gates: [layer][head], empty: all 1. types: token types, empty: all 0.
PlainResult plain_forward(const TinyModel& model, const std::vector<std::int64_t>& ids,
                          const std::vector<std::int64_t>& types = {},
                          const std::vector<std::vector<double>>& gates = {},
                          const PlainEdit& edit = {});

}  // namespace headlight::testing
