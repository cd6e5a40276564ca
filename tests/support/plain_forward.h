// A second, independent forward pass: nested vectors of double and the plainest loops, written from
// the papers' formulas and Hugging Face's names. It shares no code with the library it checks.
#pragma once

#include <cstdint>
#include <vector>

#include "support/tiny_model.h"

namespace headlight::testing {

using Row = std::vector<double>;
using Rows = std::vector<Row>;

struct PlainLayer {
  Rows q, k, v;                ///< [T][heads * head_dim], RoPE applied
  std::vector<Rows> patterns;  ///< [H][T][T]
  Rows z;                      ///< [T][H * head_dim]
  Rows out;                    ///< [T][d_model]
  Rows resid_pre, resid_post;  ///< [T][d_model]
};

struct PlainResult {
  std::vector<PlainLayer> layers;
  Rows embed, last_hidden, logits;  ///< logits empty for bert without a head
};

/// gates: [layer][head], empty: all 1. types: token types, empty: all 0.
PlainResult plain_forward(const TinyModel& model, const std::vector<std::int64_t>& ids,
                          const std::vector<std::int64_t>& types = {},
                          const std::vector<std::vector<double>>& gates = {});

}  // namespace headlight::testing
