#include "train/head_sparsity.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace headlight {
namespace {

/// Rows [row, row + rows) and columns [column, column + columns) of a matrix, `stride` wide.
struct Block {
  float* at;
  std::int64_t rows, columns, stride;
};

void shrink_norm(const Block& block, double amount) {
  double square = 0;
  for (std::int64_t r = 0; r < block.rows; ++r)
    for (std::int64_t c = 0; c < block.columns; ++c) {
      const double x = block.at[r * block.stride + c];
      square += x * x;
    }
  const double norm = std::sqrt(square);
  const auto scale = static_cast<float>(norm > amount ? 1 - amount / norm : 0);
  for (std::int64_t r = 0; r < block.rows; ++r)
    for (std::int64_t c = 0; c < block.columns; ++c) block.at[r * block.stride + c] *= scale;
}

}  // namespace

HeadSparsity::HeadSparsity(const ParameterLayout& layout) {
  const ModelConfig& config = layout.config();
  for (const ParameterSpec& spec : layout.specs()) {
    check(spec.slot != Slot::qkv_weight, "train",
          "head_sparsity needs W_V apart, a {} model stores q, k and v as one matrix; use a bert "
          "or llama",
          name_of(config.family));
    const bool value = spec.slot == Slot::v_weight;
    if (!value && spec.slot != Slot::o_weight) continue;
    parts_.push_back({spec.offset, spec.shape[0], spec.shape[1],
                      value ? config.n_kv_heads : config.n_heads, value});
  }
}

void HeadSparsity::shrink(Tensor& values, double amount) const {
  for (const Part& part : parts_) {
    float* matrix = values.span<float>().data() + part.offset;
    const std::int64_t rows = part.by_rows ? part.rows / part.heads : part.rows;
    const std::int64_t columns = part.by_rows ? part.columns : part.columns / part.heads;
    for (std::int64_t h = 0; h < part.heads; ++h)
      shrink_norm({matrix + h * (part.by_rows ? rows * part.columns : columns), rows, columns,
                   part.columns},
                  amount);
  }
}

}  // namespace headlight
