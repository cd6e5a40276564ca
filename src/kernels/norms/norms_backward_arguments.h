// The checked arguments of the norms' gradients, shared by the reference and the fast versions.
#pragma once

#include <string_view>

#include "kernels/norms/norms_backward.h"
#include "kernels/rows.h"

namespace headlight {

struct NormBackwardArguments {
  Rows<const float> x, d_y;
  Rows<float> d_x;
  const float* weight = nullptr;
  float eps = 0;
};

inline NormBackwardArguments norm_backward_arguments(std::string_view op, const TensorView& x,
                                                     const TensorView& weight, float eps,
                                                     const NormGradients& g) {
  NormBackwardArguments a{rows_of(op, "x", x), rows_of(op, "d_y", g.d_y), rows_of(op, "d_x", g.d_x),
                          nullptr, eps};
  check(x.shape() == g.d_y.shape() && x.shape() == g.d_x.shape(), op,
        "x {}, d_y {} and d_x {} must have the same shape", x.shape(), g.d_y.shape(),
        g.d_x.shape());
  check(a.x.width > 0, op, "x {} has empty rows, which have no mean", x.shape());
  check(bool(weight), op, "a weight [{}] is needed for x {}", a.x.width, x.shape());
  check(eps >= 0, op, "eps {} must not be negative", eps);
  for (const auto& sums : {g.d_weight, g.d_bias})
    check(sums.empty() || std::ssize(sums) == a.x.width, op,
          "a gradient of {} values does not fit rows of width {}", sums.size(), a.x.width);
  a.weight = vector_of(op, "weight", weight, a.x.width);
  return a;
}

}  // namespace headlight
