// Attention patterns on demand: rows and tiles recomputed from q and k, never stored.
#pragma once

#include <cstdint>

#include "core/tensor.h"
#include "kernels/attention.h"

namespace headlight {

/// Rows [row_begin, row_end) of one head's pattern.
struct PatternRows {
  std::int64_t batch = 0;
  std::int64_t head = 0;
  std::int64_t row_begin = 0;
  std::int64_t row_end = 0;
};

/// Whole rows of a head's pattern, recomputed in double from q and k and normalised by their own
/// sum (so they sum to 1 however large the scores are). Uses q, k, mask, bias, alibi_slopes and
/// sinks of `tensors`; v, z, lse and head_gate may be empty. A dead row is all zero.
/// `out`: contiguous fp32 [row_end - row_begin, Tkv]. O(rows * Tkv * D) time, no extra T x T
/// memory.
void attention_pattern(const AttentionProblem& problem, const AttentionTensors& tensors,
                       PatternRows rows, MutableTensorView out);

}  // namespace headlight
