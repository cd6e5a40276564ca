// What changed: vectors by direction and length, predictions by what they gained and lost.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/tensor.h"

namespace headlight {

/// Direction and length of a vector before and after. Sums in double.
struct VectorChange {
  double cosine = 1;       ///< 1 when both are zero, 0 when only one is
  double norm_before = 0;  ///< Euclidean
  double norm_after = 0;
  double difference = 0;  ///< norm of after - before
};
/// Throws unless both have the same size.
VectorChange vector_change(std::span<const float> before, std::span<const float> after);
/// The change of each row of two [T, d] tensors of one shape.
std::vector<VectorChange> row_changes(const Tensor& before, const Tensor& after);

/// Probabilities of one token of the vocabulary.
struct Prediction {
  std::int64_t id;
  double before, after, direct;  ///< intact, run again, by the direct estimate
};

struct PredictionChange {
  double kl_after, kl_direct;      ///< KL(before || after), KL(before || direct), in nats
  std::vector<Prediction> best;    ///< the most probable before, most probable first
  std::vector<Prediction> lost;    ///< the largest falls from before to after
  std::vector<Prediction> gained;  ///< the largest rises
};
/// Compares three rows of logits [vocab_size]; lists at most `most` predictions of each kind.
/// Throws unless all have the same size.
PredictionChange prediction_change(std::span<const float> before, std::span<const float> after,
                                   std::span<const float> direct, std::size_t most);

}  // namespace headlight
