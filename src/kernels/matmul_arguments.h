// The checked arguments of a matrix product, shared by the reference and the fast version.
#pragma once

#include "core/error.h"
#include "kernels/matmul.h"

namespace headlight {

/// An fp32 matrix with its strides in floats.
template <class T>
struct StridedMatrix {
  T* data = nullptr;
  std::int64_t rows = 0, columns = 0;
  std::int64_t row_stride = 0, column_stride = 0;

  T& at(std::int64_t i, std::int64_t j) const { return data[i * row_stride + j * column_stride]; }
};

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
