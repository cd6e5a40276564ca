// From hidden states to the loss: the head runs on the rows that are asked, and on no others.
#pragma once

#include <cstdint>

#include "core/tensor.h"
#include "train/batch.h"
#include "train/bound_parameters.h"

namespace headlight {

/// Sums over the targets of one or more batches.
struct LossSum {
  double loss = 0;  ///< cross entropy in nats
  std::int64_t targets = 0;
  std::int64_t right = 0;  ///< targets whose logit no other exceeds

  double mean() const { return targets > 0 ? loss / static_cast<double>(targets) : 0; }
  double accuracy() const {
    return targets > 0 ? static_cast<double>(right) / static_cast<double>(targets) : 0;
  }
  LossSum& operator+=(const LossSum& more);
};

/// Runs the head on `hidden` [rows, d_model] at the batch's target rows, a piece of logits at a
/// time, so that memory does not grow with targets times vocabulary.
class Head {
 public:
  Head(const ModelConfig& config, const ModelParameters& parameters);

  LossSum evaluate(const Batch& batch, TensorView hidden);
  /// Also adds `weight` times the gradients to those of the head's parameters, and writes
  /// `weight` times the gradient of hidden, zero for rows that are not asked, to d_hidden.
  LossSum train(const Batch& batch, TensorView hidden, const ModelParameters& gradients,
                MutableTensorView d_hidden, double weight);

 private:
  struct Piece;
  void reserve(std::int64_t targets);
  Piece forward(const Batch& batch, TensorView hidden, std::int64_t begin, std::int64_t end);
  void backward(const Piece& piece, const ModelParameters& gradients);

  const ModelConfig& config_;
  const ModelParameters& w_;
  Tensor asked_;   // [piece, d_model] the hidden states of the targets
  Tensor dense_;   // bert's transform before the activation
  Tensor active_;  // and after it
  Tensor normed_;  // what the logits are computed from, with a transform
  Tensor logits_;  // [piece, vocab_size], then their gradient
  Tensor d_;       // [piece, d_model]
};

}  // namespace headlight
