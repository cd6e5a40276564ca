// Attention patterns on demand: rows and tiles recomputed from q and k, never stored.
#pragma once

#include <cstdint>

#include "core/tensor.h"
#include "kernels/attention/attention.h"

namespace headlight {

/// Rows [row_begin, row_end) of one head's pattern.
struct PatternRows {
  std::int64_t batch = 0;
  std::int64_t head = 0;
  std::int64_t row_begin = 0;
  std::int64_t row_end = 0;
};

/// Whole rows of a head's pattern, recomputed from q and k by the tiled kernel, whose weights are
/// fp32, and normalised by their own sum in double (so they sum to 1 however large the scores are;
/// with sinks, which have a share of a row, by the kernel's sum).
/// Uses q, k, mask, bias, alibi_slopes, sinks and pages of `tensors`; v, z, lse and head_gate may
/// be empty; dropout is left out. A dead row is all zero. `out`: contiguous fp32 [row_end -
/// row_begin, Tkv]. O(rows * Tkv * D) time, O(Tkv) memory. Throws Error("attention_pattern", ...)
/// when batch entry, head or rows are not there, or `out` has another shape.
void attention_pattern(const AttentionProblem& problem, const AttentionTensors& tensors,
                       PatternRows rows, MutableTensorView out);
/// The reference: every row in double.
void attention_pattern_ref(const AttentionProblem& problem, const AttentionTensors& tensors,
                           PatternRows rows, MutableTensorView out);
/// Throws as they do.
void check_pattern_rows(const AttentionProblem& problem, PatternRows rows, TensorView out);

}  // namespace headlight
