// The product of any two fp32 matrices, and with it the gradients of a linear layer.
#include <algorithm>

#include "kernels/matmul/gemm.h"
#include "kernels/matmul/matmul_arguments.h"

namespace headlight {
namespace {

/// The part of b that is packed at a time, at most: panels of 6 MiB. The fewer steps, the more rows
/// of a fit L2 beside them, and pass over the panels together.
constexpr std::int64_t kPackedSteps = 768, kPackedColumns = 2048;

/// An operand whose strides of extents of 1, which mean nothing, are 1. Throws unless one stride
/// is.
StridedMatrix<const float> operand(const char* name, StridedMatrix<const float> m) {
  if (m.columns == 1 && m.row_stride != 1) m.column_stride = 1;
  if (m.rows == 1 && m.column_stride != 1) m.row_stride = 1;
  check(m.column_stride == 1 || m.row_stride == 1, "matmul",
        "{} {} has strides {}; one of them must be 1", name, Shape{m.rows, m.columns},
        Shape{m.row_stride, m.column_stride});
  return m;
}

StridedMatrix<const float> part(const StridedMatrix<const float>& m, std::int64_t row,
                                std::int64_t rows, std::int64_t column, std::int64_t columns) {
  return {&m.at(row, column), rows, columns, m.row_stride, m.column_stride};
}

/// c (+)= a b for a part of b that is packed as a whole.
void multiply_part(const StridedMatrix<const float>& a, const StridedMatrix<const float>& b,
                   const GemmOutput& c) {
  static thread_local Tensor storage;
  const std::int64_t floats = panels_of(b.columns) * kPanelColumns * b.rows;
  if (!storage || storage.numel() < floats) storage = Tensor({floats});
  gemm(a, b, storage.span<float>().data(), c);
}

void clear(const StridedMatrix<float>& c) {
  for (std::int64_t i = 0; i < c.rows; ++i) std::fill_n(&c.at(i, 0), c.columns, 0.0f);
}

void check_rows(const char* name, TensorView m) {
  check(m.stride(1) == 1 || m.dim(1) <= 1, "matmul",
        "{} {} has strides {}; its rows must be contiguous", name, m.shape(), m.strides());
  check(m.dim(0) <= 1 || m.stride(0) >= m.dim(1), "matmul",
        "{} {} has strides {}; its rows must not overlap", name, m.shape(), m.strides());
}

/// With zeros up to whole panels; until the thread's next call.
const float* padded(TensorView bias) {
  static thread_local Tensor storage;
  const std::int64_t floats = panels_of(bias.dim(0)) * kPanelColumns;
  if (!storage || storage.numel() < floats) storage = Tensor({floats});
  const auto to = storage.span<float>();
  std::ranges::fill(std::copy_n(bias.as<float>(), bias.numel(), to.begin()), to.end(), 0.0f);
  return to.data();
}

/// All of c, part by part of b.
void multiply(const MatmulArguments& m, const GemmOutput& c) {
  if (m.c.rows == 0 || m.c.columns == 0) return;
  if (m.a.columns == 0) {
    if (!c.accumulate) clear(m.c);
    return;
  }
  const auto left = operand("a", m.a), right = operand("b", m.b);
  const std::int64_t parts = (right.rows + kPackedSteps - 1) / kPackedSteps;
  const std::int64_t most = (right.rows + parts - 1) / parts;
  for (std::int64_t j = 0; j < right.columns; j += kPackedColumns)
    for (std::int64_t p = 0; p < right.rows; p += most) {
      const std::int64_t columns = std::min(kPackedColumns, right.columns - j);
      const std::int64_t steps = std::min(most, right.rows - p);
      GemmOutput to = c;
      to.data = c.data + j;
      to.accumulate = c.accumulate || p > 0;
      to.bias = p == 0 && c.bias ? c.bias + j : nullptr;
      to.residual = p == 0 && c.residual ? c.residual + j : nullptr;
      multiply_part(part(left, 0, left.rows, p, steps), part(right, p, steps, j, columns), to);
    }
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
  check_rows("c", c);
  multiply(m, {.data = m.c.data, .row_stride = m.c.row_stride, .accumulate = m.accumulate});
}

void linear_forward(TensorView x, TensorView weight, WeightLayout layout, MutableTensorView y,
                    const LinearTerms& terms) {
  const TensorView b = layout == WeightLayout::out_in ? transposed(weight) : weight;
  const MatmulArguments m = matmul_arguments(x, b, y, {});
  check_rows("y", y);
  check(m.a.columns > 0, "matmul", "x {} has no columns", x.shape());
  check(!terms.bias || (terms.bias.shape() == Shape{m.c.columns} && terms.bias.contiguous()),
        "matmul", "bias {} does not fit y {}; it must be a contiguous [{}]", terms.bias.shape(),
        y.shape(), m.c.columns);
  GemmOutput c{.data = m.c.data, .row_stride = m.c.row_stride};
  if (terms.bias) c.bias = padded(terms.bias);
  if (terms.residual) {
    check(terms.residual.shape() == y.shape(), "matmul",
          "residual {} does not fit y {}; they must be alike", terms.residual.shape(), y.shape());
    check_rows("residual", terms.residual);
    c.residual = terms.residual.as<float>();
    c.residual_stride = terms.residual.stride(0);
  }
  multiply(m, c);
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

}  // namespace headlight
