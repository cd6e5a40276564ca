// The checked arguments of the norms, shared by the reference and the fast versions.
#pragma once

#include <string_view>

#include "kernels/rows.h"

namespace headlight {

struct NormArguments {
  Rows<const float> x;
  Rows<float> y;
  const float* weight = nullptr;
  const float* bias = nullptr;  ///< may be null
  float eps = 0;
};

inline NormArguments norm_arguments(std::string_view op, const TensorView& x,
                                    const TensorView& weight, const TensorView& bias, float eps,
                                    const MutableTensorView& y) {
  NormArguments a;
  a.x = rows_of(op, "x", x);
  a.y = rows_of(op, "y", y);
  check(x.shape() == y.shape(), op, "x {} and y {} must have the same shape", x.shape(), y.shape());
  check(a.x.width > 0, op, "x {} has empty rows, which have no mean", x.shape());
  check(bool(weight), op, "a weight [{}] is needed for x {}", a.x.width, x.shape());
  check(eps >= 0, op, "eps {} must not be negative", eps);
  a.weight = vector_of(op, "weight", weight, a.x.width);
  a.bias = vector_of(op, "bias", bias, a.x.width);
  a.eps = eps;
  return a;
}

}  // namespace headlight
