// Rotary position embedding (Su et al. 2021, section 3.4).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/tensor.h"

namespace headlight {

/// half_split pairs (x_i, x_{i + r/2}) as Hugging Face's Llama does; interleaved pairs
/// (x_{2i}, x_{2i+1}) as the paper and GPT-J do. r = rotary_dim.
enum class RopeLayout : std::uint8_t { half_split, interleaved };

/// cos and sin of position * inv_freq, for positions [0, max_len).
class RopeTable {
 public:
  RopeTable() = default;
  /// inv_freq: rotary_dim / 2 angular frequencies (radians per position).
  RopeTable(std::span<const double> inv_freq, std::int64_t max_len);
  /// From given caches, row-major [max_len, half]; rotary_dim is 2 * half. Both must be the same
  /// size.
  static RopeTable from_cache(std::span<const float> cos, std::span<const float> sin,
                              std::int64_t half);
  /// The usual frequencies theta^(-2i / rotary_dim).
  static std::vector<double> frequencies(std::int64_t rotary_dim, double theta);

  std::int64_t rotary_dim() const { return 2 * half_; }
  std::int64_t max_len() const { return max_len_; }
  const float* cos_row(std::int64_t position) const { return cos_.data() + position * half_; }
  const float* sin_row(std::int64_t position) const { return sin_.data() + position * half_; }

 private:
  std::int64_t half_ = 0;
  std::int64_t max_len_ = 0;
  std::vector<float> cos_, sin_;
};

/// Rotates x [T, H, D] in place (inner stride 1; dimensions past rotary_dim stay as they are).
/// positions: [T], each below table.max_len(), or empty for 0, 1, 2, ...
void rope(MutableTensorView x, const RopeTable& table, RopeLayout layout,
          std::span<const std::int64_t> positions = {});
void rope_ref(MutableTensorView x, const RopeTable& table, RopeLayout layout,
              std::span<const std::int64_t> positions = {});

/// Backward of rope, in place: the gradient of what it gave becomes that of what it was given. A
/// rotation's gradient is the rotation by the inverse angle.
void rope_backward(MutableTensorView d_x, const RopeTable& table, RopeLayout layout,
                   std::span<const std::int64_t> positions = {});
void rope_backward_ref(MutableTensorView d_x, const RopeTable& table, RopeLayout layout,
                       std::span<const std::int64_t> positions = {});

}  // namespace headlight
