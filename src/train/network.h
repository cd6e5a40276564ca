// A whole model, forward and backward, over packed sequences: the loss and the gradient of every
// parameter.
#pragma once

#include "train/batch.h"
#include "train/bound_parameters.h"
#include "train/head.h"
#include "train/parameters.h"
#include "train/tape.h"

namespace headlight {

/// Computes what Transformer::forward computes, on parameters that change. One call at a time; the
/// result depends on the number of threads, but not on the run.
class Network {
 public:
  /// `values` and `gradients` are stores of `layout`; both are used as long as this lives.
  Network(const ParameterLayout& layout, Tensor& values, Tensor& gradients);
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  const ModelConfig& config() const { return config_; }
  /// Loss and right answers over the batch's targets.
  LossSum evaluate(const Batch& batch);
  /// The same, and adds `weight` times the gradients to what the store of gradients holds.
  LossSum train(const Batch& batch, double weight);
  /// Hidden states [rows, d_model] that the last call's head read, valid until the next.
  TensorView hidden() const { return hidden_; }

  /// What each head's z is multiplied by from now on, [n_layers * n_heads], each in [0, 1]; empty:
  /// by 1, at no cost.
  void set_head_gates(std::vector<float> gates);
  /// What a row's HeadOverlap counts beside a target's loss in the gradients from now on.
  void set_head_overlap(double price) { overlap_price_ = price; }
  /// Gradients of the gates by the last train(), which made them if gates were set.
  std::span<const float> gate_gradients() const { return tape_.d_head_gates; }
  /// The pattern [T, T] of one head on a sequence of the last call, whose batch is given again;
  /// `sequence` is one of a group's: {row, 1, length}.
  Tensor pattern(const Batch& batch, std::int64_t layer, std::int64_t head,
                 const SequenceGroup& sequence);

 private:
  TensorView forward(const Batch& batch);
  void embed(const Batch& batch);
  void embed_backward(const Batch& batch);
  void find_overlaps(const Batch& batch, double weight);

  ModelConfig config_;
  ModelParameters values_, gradients_;
  Tape tape_;
  Head head_;
  TensorView hidden_;
  double overlap_price_ = 0;
};

}  // namespace headlight
