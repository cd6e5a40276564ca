#include <cmath>
#include <numeric>

#include "conformance/onnx_ops.h"
#include "kernels/activations/activations.h"
#include "kernels/norms/norms.h"

namespace headlight::onnx {
namespace {

/// x seen as [rows, d], the axes from `axis` on flattened into d.
struct RowView {
  std::int64_t rows = 1, d = 1;

  RowView(const Shape& shape, std::size_t axis) {
    for (std::size_t i = 0; i < shape.rank(); ++i) (i < axis ? rows : d) *= shape[i];
  }
  Shape shape() const { return {rows, d}; }
};

/// `shape` with the axes from `axis` on reduced to 1.
Shape reduced(const Shape& shape, std::size_t axis) {
  Shape out = shape;
  for (std::size_t i = axis; i < shape.rank(); ++i) out[i] = 1;
  return out;
}

TensorView flat(const Tensor& t) {
  return {t.view().data(), t.dtype(), Shape({t.numel()})};
}

/// Mean and 1/sqrt(var + eps) of each row, accumulated in double.
void row_statistics(const Tensor& x, const RowView& rows, double eps, Tensor& mean, Tensor& inv) {
  const auto d = static_cast<std::size_t>(rows.d);
  for (std::int64_t r = 0; r < rows.rows; ++r) {
    const auto row = x.span<float>().subspan(static_cast<std::size_t>(r) * d, d);
    const double mu = std::reduce(row.begin(), row.end(), 0.0) / static_cast<double>(d);
    double variance = 0;
    for (float v : row) variance += (v - mu) * (v - mu);
    const auto i = static_cast<std::size_t>(r);
    mean.span<float>()[i] = static_cast<float>(mu);
    inv.span<float>()[i] =
        static_cast<float>(1 / std::sqrt(variance / static_cast<double>(d) + eps));
  }
}

}  // namespace

Outputs run_layer_normalization(const Node& node, const Inputs& inputs) {
  const Tensor& x = required_input(node, inputs, 0);
  const std::size_t axis = normal_axis(node, node.integer_or("axis", -1), x.shape().rank());
  const RowView rows(x.shape(), axis);
  const float eps = node.number("epsilon").value_or(1e-5f);
  const Value* bias = optional_input(inputs, 2);
  Tensor y(x.shape()), mean(reduced(x.shape(), axis)), inv(reduced(x.shape(), axis));
  layer_norm({x.view().data(), x.dtype(), rows.shape()}, flat(required_input(node, inputs, 1)),
             bias ? flat(bias->tensor) : TensorView(), eps,
             {y.view().data(), DType::f32, rows.shape()});
  row_statistics(x, rows, eps, mean, inv);
  Outputs out;
  out.push_back(std::move(y));
  out.push_back(std::move(mean));
  out.push_back(std::move(inv));
  return out;
}

Outputs run_rms_normalization(const Node& node, const Inputs& inputs) {
  const Tensor& x = required_input(node, inputs, 0);
  const std::size_t axis = normal_axis(node, node.integer_or("axis", -1), x.shape().rank());
  const RowView rows(x.shape(), axis);
  Tensor y(x.shape());
  rms_norm({x.view().data(), x.dtype(), rows.shape()}, flat(required_input(node, inputs, 1)),
           node.number("epsilon").value_or(1e-5f), {y.view().data(), DType::f32, rows.shape()});
  Outputs out;
  out.push_back(std::move(y));
  return out;
}

Outputs run_softmax(const Node& node, const Inputs& inputs) {
  const Tensor& x = required_input(node, inputs, 0);
  check(node.opset >= 13, "onnx", "Softmax of opset {} flattens its input; supported from 13 on",
        node.opset);
  const std::size_t axis = normal_axis(node, node.integer_or("axis", -1), x.shape().rank());
  // Rows along the axis, gathered: our kernel works on the last dimension.
  const std::int64_t n = x.dim(axis);
  const std::int64_t inner = RowView(x.shape(), axis + 1).d;
  const std::int64_t outer = RowView(x.shape(), axis).rows;
  Tensor rows({outer * inner, n});
  Tensor y(x.shape());
  const auto at = [&](std::int64_t o, std::int64_t i, std::int64_t k) {
    return static_cast<std::size_t>((o * n + k) * inner + i);
  };
  const auto row_at = [&](std::int64_t o, std::int64_t i, std::int64_t k) {
    return static_cast<std::size_t>((o * inner + i) * n + k);
  };
  const auto each = [&](auto body) {
    for (std::int64_t o = 0; o < outer; ++o)
      for (std::int64_t i = 0; i < inner; ++i)
        for (std::int64_t k = 0; k < n; ++k) body(row_at(o, i, k), at(o, i, k));
  };
  each([&](std::size_t r, std::size_t f) { rows.span<float>()[r] = x.span<float>()[f]; });
  softmax_rows(rows);
  each([&](std::size_t r, std::size_t f) { y.span<float>()[f] = rows.span<float>()[r]; });
  Outputs out;
  out.push_back(std::move(y));
  return out;
}

}  // namespace headlight::onnx
