// Rotary frequencies for texts longer than those of the training.
#pragma once

#include <span>

namespace headlight {

/// Every frequency divided by `factor` (Chen et al. 2023, position interpolation).
void scale_linear(std::span<double> frequencies, double factor);

/// Llama 3.1's scaling: wavelengths that turn at most low_freq_factor times in trained_len tokens
/// are stretched by `factor`, those that turn high_freq_factor times kept, and those in between
/// blended (transformers' modeling_rope_utils, _compute_llama3_parameters).
struct Llama3Scaling {
  double factor = 8;
  double low_freq_factor = 1, high_freq_factor = 4;  ///< high > low
  double trained_len = 8192;
};
void scale_llama3(std::span<double> frequencies, const Llama3Scaling& scaling);

}  // namespace headlight
