#include <algorithm>
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

Tensor ones(std::int64_t n) {
  Tensor t(Shape{n});
  std::ranges::fill(t.span<float>(), 1.0f);
  return t;
}

/// Scale or bias as the kernels take it, or nothing when it is not one row for all: ONNX lets it
/// broadcast to x.
TensorView one_row(const Value* value, const Shape& x, std::size_t axis) {
  const Shape whole(std::span(x.begin() + axis, x.end()));
  return value && value->tensor.shape() == whole ? flat(value->tensor) : TensorView();
}

/// body(y, element of `from`) for every element of y, `from` broadcast to it from the right.
template <class Body>
void broadcast(const Tensor& from, Tensor& y, const Body& body) {
  const Shape &small = from.shape(), &large = y.shape();
  const std::size_t missing = large.rank() - std::min(large.rank(), small.rank());
  for (std::size_t d = 0; d < small.rank(); ++d)
    check(small.rank() <= large.rank() && (small[d] == 1 || small[d] == large[missing + d]), "onnx",
          "{} does not broadcast to {}", small, large);
  const Shape steps = small.contiguous_strides();
  std::int64_t index = 0;
  for (float& element : y.span<float>()) {
    std::int64_t rest = index++, at = 0;
    for (std::size_t d = large.rank(); d-- > missing; rest /= large[d])
      if (small[d - missing] != 1) at += rest % large[d] * steps[d - missing];
    body(element, from.span<float>()[static_cast<std::size_t>(at)]);
  }
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
  const Tensor& scale = required_input(node, inputs, 1);
  const Value* bias = optional_input(inputs, 2);
  Tensor y(x.shape()), mean(reduced(x.shape(), axis)), inv(reduced(x.shape(), axis));
  const TensorView scale_row = one_row(optional_input(inputs, 1), x.shape(), axis);
  const Tensor neutral = ones(rows.d);
  const TensorView bias_row = scale_row ? one_row(bias, x.shape(), axis) : TensorView();
  layer_norm({x.view().data(), x.dtype(), rows.shape()}, scale_row ? scale_row : flat(neutral),
             bias_row, eps, {y.view().data(), DType::f32, rows.shape()});
  if (!scale_row) broadcast(scale, y, [](float& element, float s) { element *= s; });
  if (bias && !bias_row) broadcast(bias->tensor, y, [](float& element, float b) { element += b; });
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
  const Tensor& scale = required_input(node, inputs, 1);
  const TensorView scale_row = one_row(optional_input(inputs, 1), x.shape(), axis);
  const Tensor neutral = ones(rows.d);
  rms_norm({x.view().data(), x.dtype(), rows.shape()}, scale_row ? scale_row : flat(neutral),
           node.number("epsilon").value_or(1e-5f), {y.view().data(), DType::f32, rows.shape()});
  if (!scale_row) broadcast(scale, y, [](float& element, float s) { element *= s; });
  Outputs out;
  out.push_back(std::move(y));
  return out;
}

Outputs run_softmax(const Node& node, const Inputs& inputs) {
  const Tensor& x = required_input(node, inputs, 0);
  // Before opset 13 everything from the axis on is one row, and the axis is 1 unless given.
  const bool flattens = node.opset < 13;
  const std::int64_t given = node.integer_or("axis", flattens ? 1 : -1);
  const std::size_t rank = x.shape().rank();
  const std::size_t axis =
      flattens && given == std::int64_t(rank) ? rank : normal_axis(node, given, rank);
  // Rows along the axis, gathered: our kernel works on the last dimension.
  const RowView from_axis(x.shape(), axis);
  const std::int64_t outer = from_axis.rows;
  const std::int64_t n = flattens ? from_axis.d : x.dim(axis);
  const std::int64_t inner = flattens ? 1 : RowView(x.shape(), axis + 1).d;
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
