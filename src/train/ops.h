// Forward and backward of the steps that every block is made of, on rows of tokens. Gradients of
// parameters are added to what is there; gradients of inputs replace.
#pragma once

#include "core/tensor.h"
#include "model/config.h"
#include "train/bound_parameters.h"

namespace headlight {

/// y = x W + b, plus `residual` [rows, out] where it is given.
void apply_linear(const LinearParameters& layer, TensorView x, MutableTensorView y,
                  TensorView residual = {});
/// Adds to the layer's gradients; d_x (+)= d_y W^T, where d_x is given.
struct LinearBackward {
  TensorView x, d_y;
  MutableTensorView d_x = {};
  bool add_to_d_x = false;
};
void linear_backward(const LinearParameters& layer, const LinearParameters& gradients,
                     const LinearBackward& io);

/// LayerNorm, or RMSNorm in llama.
void apply_norm(const ModelConfig& config, const NormParameters& norm, TensorView x,
                MutableTensorView y);
/// d_x may be the memory of d_y.
struct NormBackward {
  TensorView x, d_y;
  MutableTensorView d_x;
};
void norm_backward(const ModelConfig& config, const NormParameters& norm,
                   const NormParameters& gradients, const NormBackward& io);

/// sum += term, both contiguous and of one size.
void add_to(MutableTensorView sum, TensorView term);
/// The elements of a contiguous fp32 view.
std::span<float> elements(MutableTensorView view);
std::span<const float> elements(TensorView view);

}  // namespace headlight
