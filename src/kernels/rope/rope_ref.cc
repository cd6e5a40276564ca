#include "kernels/rope/rope.h"
#include "kernels/rope/rope_arguments.h"

namespace headlight {

namespace {

// (x_a, x_b) := (x_a cos - x_b sin, x_a sin + x_b cos), sin times `turn`
void rotate(MutableTensorView x, const RopeTable& table, RopeLayout layout,
            std::span<const std::int64_t> positions, double turn) {
  check_rope(x, table, positions);
  const std::int64_t half = table.rotary_dim() / 2;
  const bool split = layout == RopeLayout::half_split;
  for (std::int64_t t = 0; t < x.dim(0); ++t) {
    const float* cos = table.cos_row(rope_position(positions, t));
    const float* sin = table.sin_row(rope_position(positions, t));
    for (std::int64_t h = 0; h < x.dim(1); ++h) {
      float* row = x.as<float>() + t * x.stride(0) + h * x.stride(1);
      for (std::int64_t i = 0; i < half; ++i) {
        float& first = row[split ? i : 2 * i];
        float& second = row[split ? i + half : 2 * i + 1];
        const double a = first, b = second, c = cos[i], s = turn * sin[i];
        first = static_cast<float>(a * c - b * s);
        second = static_cast<float>(a * s + b * c);
      }
    }
  }
}

}  // namespace

void rope_ref(MutableTensorView x, const RopeTable& table, RopeLayout layout,
              std::span<const std::int64_t> positions) {
  rotate(x, table, layout, positions, 1);
}

void rope_backward_ref(MutableTensorView d_x, const RopeTable& table, RopeLayout layout,
                       std::span<const std::int64_t> positions) {
  rotate(d_x, table, layout, positions, -1);
}

}  // namespace headlight
