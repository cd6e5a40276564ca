// The checked arguments of a matrix product, shared by the reference and the fast version.
#pragma once

#include "core/error.h"
#include "kernels/matmul/matmul.h"
#include "kernels/matmul/strided_matrix.h"

namespace headlight {

/// c[m, n] (+)= a[m, k] b[k, n]
struct MatmulArguments {
  StridedMatrix<const float> a, b;
  StridedMatrix<float> c;
  bool accumulate = false;
};

/// Throws Error("matmul", ...) unless all are fp32 matrices whose extents fit.
MatmulArguments matmul_arguments(TensorView a, TensorView b, MutableTensorView c,
                                 const MatmulOptions& options);

}  // namespace headlight
