// Gradients of LayerNorm and RMSNorm.
//
// With n = (x - mean) / sqrt(var + eps) (RMSNorm: x / sqrt(mean(x^2) + eps)), g = d_y * weight:
//   d_x = (g - mean(g) - n * mean(g * n)) / sqrt(var + eps)      RMSNorm: without mean(g)
//   d_weight = sum over rows of d_y * n        d_bias = sum over rows of d_y
#pragma once

#include <span>

#include "core/tensor.h"
#include "kernels/gradient_mode.h"

namespace headlight {

/// Where the gradients of a norm come from and go.
struct NormGradients {
  TensorView d_y;               ///< fp32 [rows, d]
  MutableTensorView d_x;        ///< fp32 [rows, d], overwritten; may be the memory of d_y or x
  std::span<float> d_weight{};  ///< [d], or empty: not wanted
  std::span<float> d_bias{};    ///< [d], or empty; LayerNorm's only
  GradientMode mode = GradientMode::overwrite;  ///< of d_weight and d_bias; d_x is overwritten
};

/// Backward of layer_norm(x, weight, ., eps, .), the mean and spread of each row computed again. x,
/// weight and eps as layer_norm took them. Bitwise the same result for any thread count.
void layer_norm_backward(TensorView x, TensorView weight, float eps,
                         const NormGradients& gradients);
/// Backward of rms_norm(x, weight, eps, .).
void rms_norm_backward(TensorView x, TensorView weight, float eps, const NormGradients& gradients);

/// The same in plain loops with double accumulation.
void layer_norm_backward_ref(TensorView x, TensorView weight, float eps,
                             const NormGradients& gradients);
void rms_norm_backward_ref(TensorView x, TensorView weight, float eps,
                           const NormGradients& gradients);

}  // namespace headlight
