// One row of attention in double: what the reference and the pattern on demand share.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/attention/attention.h"

namespace headlight {

/// Query `query` of head `head` in batch entry `batch`.
struct RowIndex {
  std::int64_t batch = 0;
  std::int64_t head = 0;
  std::int64_t query = 0;
};

/// The elements of one head at one position of a [B, T, H, D] view, as fp32. `buffer` holds them
/// when the view stores another dtype.
std::span<const float> head_vector(TensorView view, std::int64_t batch, std::int64_t position,
                                   std::int64_t head, std::vector<float>& buffer);

/// Key `position` of key/value head `head` in batch entry `batch`.
struct KeyIndex {
  std::int64_t batch = 0;
  std::int64_t position = 0;
  std::int64_t head = 0;
};

/// Where it is stored: as it says or, with a page table, which page (as `batch`) and which row.
KeyIndex stored_key(const AttentionTensors& tensors, KeyIndex key);

/// A key as fp32, times its scale where it has one.
std::span<const float> key_vector(const AttentionTensors& tensors, KeyIndex key,
                                  std::vector<float>& buffer);
/// The same for its value.
std::span<const float> value_vector(const AttentionTensors& tensors, KeyIndex key,
                                    std::vector<float>& buffer);

/// a . b, accumulated in double. Same length.
double dot(std::span<const float> a, std::span<const float> b);

/// scores[j] for every key j: scaled, capped, biased; -inf where masked, whatever q and k hold
/// there.
void score_row(const AttentionProblem& problem, const AttentionTensors& tensors, RowIndex row,
               std::span<double> scores);

/// Scores become their softmax in place, with `sink` (-inf: none) in the denominator only.
/// Returns the log-sum-exp, sink included. A row of all -inf becomes zeros and returns -inf.
double softmax_with_sink(std::span<double> scores, double sink);

/// pattern[j] *= what dropout makes of each pair of the row.
void drop_out(const AttentionProblem& problem, RowIndex row, std::span<double> pattern);

/// The sink of a head; -inf when the problem has none.
double sink_of(const AttentionTensors& tensors, std::int64_t head);

}  // namespace headlight
