// The product of any two fp32 matrices, and with it the gradients of a linear layer.
#include <algorithm>
#include <dnnl.hpp>

#include "core/threads.h"
#include "kernels/matmul_arguments.h"
#include "kernels/rows.h"

namespace headlight {
namespace {

/// How BLAS names a matrix: rows `leading` floats apart, or the transpose of such.
struct Operand {
  const float* data;
  char transposed;
  std::int64_t leading;
};

Operand operand_of(const char* name, const StridedMatrix<const float>& m) {
  // The stride along an extent of 1 means nothing.
  const bool plain = m.column_stride == 1 || m.columns == 1;
  const bool turned = m.row_stride == 1 || m.rows == 1;
  const Operand rows{m.data, 'N', m.rows == 1 ? m.columns : m.row_stride};
  const Operand columns{m.data, 'T', m.columns == 1 ? m.rows : m.column_stride};
  if (plain && rows.leading >= m.columns) return rows;
  if (turned && columns.leading >= m.rows) return columns;
  fail("matmul", "{} {} has strides {}; one must be 1, and rows must not overlap", name,
       Shape{m.rows, m.columns}, Shape{m.row_stride, m.column_stride});
}

void clear(const StridedMatrix<float>& c) {
  for (std::int64_t i = 0; i < c.rows; ++i) std::fill_n(&c.at(i, 0), c.columns, 0.0f);
}

/// [columns, rows] of a rank-2 view.
template <bool kMutable>
BasicTensorView<kMutable> transposed(const BasicTensorView<kMutable>& v) {
  check(v.rank() == 2, "matmul", "a matrix was expected, got {}", v.shape());
  return {v.data(), v.dtype(), {v.dim(1), v.dim(0)}, {v.stride(1), v.stride(0)}};
}

}  // namespace

void matmul(TensorView a, TensorView b, MutableTensorView c, const MatmulOptions& options) {
  const MatmulArguments m = matmul_arguments(a, b, c, options);
  if (m.c.rows == 0 || m.c.columns == 0) return;
  check(m.c.column_stride == 1 || m.c.columns == 1, "matmul",
        "c {} has strides {}; its rows must be contiguous", c.shape(), c.strides());
  check(m.c.rows == 1 || m.c.row_stride >= m.c.columns, "matmul",
        "c {} has strides {}; its rows must not overlap", c.shape(), c.strides());
  if (m.a.columns == 0) {
    if (!m.accumulate) clear(m.c);
    return;
  }
  const Operand left = operand_of("a", m.a), right = operand_of("b", m.b);
  use_threads_here();
  const auto status =
      dnnl::sgemm(left.transposed, right.transposed, m.c.rows, m.c.columns, m.a.columns, 1.0f,
                  left.data, left.leading, right.data, right.leading, m.accumulate ? 1.0f : 0.0f,
                  m.c.data, m.c.rows == 1 ? m.c.columns : m.c.row_stride);
  check(status == dnnl::status::success, "matmul", "oneDNN refused a {} times b {} (status {})",
        a.shape(), b.shape(), static_cast<int>(status));
}

void linear_backward_input(TensorView dy, TensorView weight, WeightLayout layout,
                           MutableTensorView dx, const MatmulOptions& options) {
  matmul(dy, layout == WeightLayout::out_in ? weight : transposed(weight), dx, options);
}

void linear_backward_weight(TensorView x, TensorView dy, WeightLayout layout,
                            MutableTensorView d_weight, const MatmulOptions& options) {
  if (layout == WeightLayout::out_in) return matmul(transposed(dy), x, d_weight, options);
  matmul(transposed(x), dy, d_weight, options);
}

void linear_backward_bias(TensorView dy, MutableTensorView d_bias, const MatmulOptions& options) {
  const auto rows = rows_of("matmul", "dy", dy);
  check(d_bias.shape() == Shape{rows.width} && d_bias.contiguous(), "matmul",
        "d_bias {} does not fit dy {}; it must be a contiguous [{}]", d_bias.shape(), dy.shape(),
        rows.width);
  float* to = d_bias.as<float>();
  // A strip of columns at a time, whose sums stay in registers or L1.
  constexpr std::int64_t kStrip = 64;
  parallel_for((rows.width + kStrip - 1) / kStrip, [&](std::int64_t strip) {
    const std::int64_t begin = strip * kStrip, width = std::min(kStrip, rows.width - begin);
    double sums[kStrip] = {};
    for (std::int64_t r = 0; r < rows.count; ++r)
      for (std::int64_t j = 0; j < width; ++j) sums[j] += static_cast<double>(rows[r][begin + j]);
    for (std::int64_t j = 0; j < width; ++j) {
      const double before = options.accumulate ? to[begin + j] : 0;
      to[begin + j] = static_cast<float>(before + sums[j]);
    }
  });
}

}  // namespace headlight
