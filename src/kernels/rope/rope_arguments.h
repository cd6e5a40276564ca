// The checked arguments of rope, shared by the reference and the fast version.
#pragma once

#include "kernels/rope/rope.h"

namespace headlight {

/// The heads of one token: `heads` rows that lie `stride` floats apart.
struct TokenHeads {
  float* data;
  std::int64_t heads;
  std::int64_t stride;
};

/// The angles of one position: half of rotary_dim each; `back` turns by the inverse angle.
struct RopeTurn {
  const float *cos, *sin;
  bool back;
};

/// Throws unless x is fp32 [T, H, D] with D >= rotary_dim and every position is in the table.
inline void check_rope(const MutableTensorView& x, const RopeTable& table,
                       std::span<const std::int64_t> positions) {
  check(x.rank() == 3 && x.dtype() == DType::f32, "rope", "x must be f32 [T, H, D], got {} {}",
        name_of(x.dtype()), x.shape());
  check(x.stride(2) == 1 || x.dim(2) <= 1, "rope",
        "x {} has inner stride {}; the last dimension must be contiguous", x.shape(), x.stride(2));
  check(table.rotary_dim() > 0 && table.rotary_dim() <= x.dim(2), "rope",
        "rotary_dim {} does not fit x {}; it must be in 2..{}", table.rotary_dim(), x.shape(),
        x.dim(2));
  check(positions.empty() || static_cast<std::int64_t>(positions.size()) == x.dim(0), "rope",
        "{} positions given for x {}; give one per row, or none", positions.size(), x.shape());
  check(!positions.empty() || x.dim(0) <= table.max_len(), "rope",
        "x {} is longer than the table's {} positions", x.shape(), table.max_len());
  for (const std::int64_t p : positions)
    check(p >= 0 && p < table.max_len(), "rope", "position {} is outside the table of {} positions",
          p, table.max_len());
}

inline std::int64_t rope_position(std::span<const std::int64_t> positions, std::int64_t row) {
  return positions.empty() ? row : positions[static_cast<std::size_t>(row)];
}

}  // namespace headlight
