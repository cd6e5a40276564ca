// A trace from the other side: who reads a token, and how much there is to be read.
#pragma once

#include <cstdint>

#include "core/tensor.h"
#include "inspect/trace.h"

namespace headlight {

/// Column `key` of every head's pattern in a layer: fp32 [n_heads, T], what each query gives that
/// token. Computed row by row as pattern_rows does, O(n_heads * T) memory. Throws when layer or key
/// is out of range.
Tensor pattern_columns(const Trace& trace, std::int64_t layer, std::int64_t key);

/// The size of what every token hands out when it is read with weight 1: the norm of v_h[j] W_O^h,
/// fp32 [n_heads, T]. A weight times it is what the weight carries (Kobayashi et al. 2020,
/// "Attention is Not Only a Weight", section 3). Throws when the trace is of another model or the
/// layer is out of range.
Tensor value_norms(const Transformer& model, const Trace& trace, std::int64_t layer);

}  // namespace headlight
