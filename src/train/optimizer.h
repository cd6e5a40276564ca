// AdamW, gradient clipping by the global norm, and the learning rate over the steps.
#pragma once

#include <cstdint>

#include "core/tensor.h"
#include "train/parameters.h"

namespace headlight {

/// AdamW (Loshchilov & Hutter 2019, algorithm 2): weight decay beside the adaptive step, not inside
/// the gradient. Biases and norms do not decay.
struct AdamWSettings {
  double beta1 = 0.9, beta2 = 0.98;
  double epsilon = 1e-8;
  double weight_decay = 0.01;
};

/// Linear warm-up to `peak`, then a cosine (Loshchilov & Hutter 2017) down to `floor` times the
/// peak at the last step.
struct LearningRate {
  double peak = 1e-3;
  double floor = 0.1;
  std::int64_t warmup = 100, steps = 1000;

  /// Of step 0, 1, ... steps - 1; never 0 in warm-up.
  double at(std::int64_t step) const;
};

/// The running means of gradients and of their squares.
class AdamW {
 public:
  AdamW(const ParameterLayout& layout, const AdamWSettings& settings);

  /// One step of the values along the gradients, which are multiplied by `scale` first. `step`
  /// counts from 0.
  void update(Tensor& values, const Tensor& gradients, std::int64_t step, double learning_rate,
              double scale);

  Tensor& first() { return first_; }
  Tensor& second() { return second_; }
  const Tensor& first() const { return first_; }
  const Tensor& second() const { return second_; }

 private:
  const ParameterLayout& layout_;
  AdamWSettings settings_;
  Tensor first_, second_;
};

/// The square root of the sum of all squares, summed in double and in one order, whatever the
/// number of threads.
double global_norm(const Tensor& gradients);

}  // namespace headlight
