// Outputs of independent implementations on real weights (goldens/ in the shared data).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/tensor.h"
#include "io/safetensors.h"
#include "model/transformer.h"

namespace headlight::testing {

/// The model of a folder, loaded once in a test program.
const Transformer& loaded_model(const std::filesystem::path& folder);

/// The values of an i64 tensor.
std::vector<std::int64_t> integers(const SafetensorsFile& file, std::string_view name);

/// Largest |a - b| of two contiguous f32 tensors with equally many elements; infinity when one is
/// NaN where the other is not, or the sizes differ.
double largest_difference(TensorView a, TensorView b);

/// Index of the largest value of each row of [rows, n].
std::vector<std::int64_t> argmax_rows(TensorView rows);

/// Names of the attention kernels that accept a whole text of `length` tokens in this model.
std::vector<std::string_view> kernels_for(const ModelConfig& config, std::int64_t length);

}  // namespace headlight::testing
