// Softmax cross entropy over rows of logits, and its gradient.
//
//   loss_i = log(sum_j exp(x_ij)) - x_i,target      d loss_i / d x_ij = softmax(x_i)_j - [j =
//   target]
#pragma once

#include <cstdint>
#include <span>

#include "core/tensor.h"

namespace headlight {

/// A row with this target counts for nothing: padding, or a token that is not to be learned.
inline constexpr std::int64_t kIgnoredTarget = -1;

/// The sum over rows, and how many rows counted.
struct CrossEntropy {
  double loss = 0;  ///< in nats, summed; divide by `rows` for the mean
  std::int64_t rows = 0;
};

/// logits: fp32 [rows, classes]; targets: one of each row, in [0, classes) or kIgnoredTarget.
/// d_logits, when given, has the shape of logits, may be their memory, and becomes d_loss *
/// (softmax
/// - one hot); rows that are ignored become zero. d_loss: what one row's loss is multiplied by in
/// the whole loss (1 / rows counted for a mean). Bitwise the same for any thread count. Throws
/// Error("cross_entropy", ...) naming both shapes, or the target that is out of range.
CrossEntropy cross_entropy(TensorView logits, std::span<const std::int64_t> targets,
                           MutableTensorView d_logits = {}, double d_loss = 1);
/// The same in plain loops in double.
CrossEntropy cross_entropy_ref(TensorView logits, std::span<const std::int64_t> targets,
                               MutableTensorView d_logits = {}, double d_loss = 1);

}  // namespace headlight
