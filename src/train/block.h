// One block of a model, forward and backward, on packed sequences. The forward pass computes what
// model/forward.cc computes.
#pragma once

#include "train/batch.h"
#include "train/bound_parameters.h"
#include "train/tape.h"

namespace headlight {

/// One block in one pass.
struct BlockPass {
  const ModelConfig& config;
  const Batch& batch;
  Tape& tape;
  std::int64_t layer;
  const BlockParameters& parameters;

  BlockTape& kept() const { return tape.blocks[static_cast<std::size_t>(layer)]; }
  MutableTensorView rows(Tensor& buffer) const { return first_rows(buffer, batch.rows()); }
};

/// From kept().x to `next` [rows, d_model].
void block_forward(const BlockPass& pass, MutableTensorView next);
/// tape.d_x: on entry the gradient of what block_forward wrote, on return that of kept().x. Adds to
/// the gradients of the block's parameters.
void block_backward(const BlockPass& pass, const BlockParameters& gradients);

}  // namespace headlight
