// The attention of a block: projections, heads, W_O; forward and backward.
#pragma once

#include "train/block.h"

namespace headlight {

/// to = residual + attention(from) W_O + b_O.
void attend_forward(const BlockPass& pass, TensorView from, TensorView residual,
                    MutableTensorView to);

struct AttendBackward {
  TensorView from;           ///< what attend_forward read
  TensorView d_to;           ///< the gradient of what it wrote
  MutableTensorView d_from;  ///< may be d_to's memory
  bool add_to_d_from = false;
};
/// Adds to the gradients of the projections.
void attend_backward(const BlockPass& pass, const BlockParameters& gradients,
                     const AttendBackward& io);

/// Takes the heads of a block that attend_forward has passed into tape.overlaps, one for each
/// group.
void add_overlap(const BlockPass& pass);

/// The pattern [T, T] of one head on one sequence (count 1) of the rows, computed again from what
/// attend_forward kept.
Tensor attend_pattern(const BlockPass& pass, const SequenceGroup& sequence, std::int64_t head);

}  // namespace headlight
