#include <algorithm>
#include <numeric>

#include "conformance/onnx_ops.h"
#include "kernels/rope/rope.h"

namespace headlight::onnx {
namespace {

/// x as [B, T, H, D] strides over its own memory, for 4-D [B, H, T, D] and 3-D [B, T, H*D] inputs.
struct Layout {
  std::int64_t batch, length, heads, head_dim;
  Shape strides;  // of [B, T, H, D]
};

Layout layout_of(const Node& node, const Tensor& x) {
  if (x.shape().rank() == 4) {
    const std::int64_t b = x.dim(0), h = x.dim(1), t = x.dim(2), d = x.dim(3);
    return {b, t, h, d, {h * t * d, d, t * d, 1}};
  }
  const std::int64_t heads = node.integer_or("num_heads", 0);
  check(x.shape().rank() == 3 && heads > 0 && x.dim(2) % heads == 0, "onnx",
        "RotaryEmbedding of shape {} with num_heads {}", to_string(x.shape()), heads);
  const std::int64_t d = x.dim(2) / heads;
  return {x.dim(0), x.dim(1), heads, d, {x.dim(1) * x.dim(2), x.dim(2), d, 1}};
}

/// cos and sin rows for batch element b: the whole caches when positions index them, else its own.
RopeTable table_of(const Tensor& cos, const Tensor& sin, std::int64_t b) {
  const std::size_t rank = cos.shape().rank();
  check((rank == 2 || rank == 3) && sin.shape() == cos.shape() && (rank == 2 || b < cos.dim(0)),
        "onnx", "RotaryEmbedding with cos_cache {} and sin_cache {} for batch element {}",
        cos.shape(), sin.shape(), b);
  const bool per_batch = rank == 3;
  const std::int64_t rows = cos.dim(per_batch ? 1 : 0), half = cos.dim(per_batch ? 2 : 1);
  const auto size = static_cast<std::size_t>(rows * half);
  const std::size_t begin = per_batch ? static_cast<std::size_t>(b) * size : 0;
  return RopeTable::from_cache(cos.span<float>().subspan(begin, size),
                               sin.span<float>().subspan(begin, size), half);
}

}  // namespace

Outputs run_rotary_embedding(const Node& node, const Inputs& inputs) {
  const Tensor& x = required_input(node, inputs, 0);
  const Tensor& cos = required_input(node, inputs, 1);
  const Tensor& sin = required_input(node, inputs, 2);
  const Value* positions = optional_input(inputs, 3);
  const Layout layout = layout_of(node, x);
  const auto style =
      node.integer_or("interleaved", 0) != 0 ? RopeLayout::interleaved : RopeLayout::half_split;
  if (positions)
    check(positions->tensor.numel() == layout.batch * layout.length, "onnx",
          "RotaryEmbedding with position_ids {} for x {}", positions->tensor.shape(), x.shape());
  const std::int64_t rotary_dim = node.integer_or("rotary_embedding_dim", 0);
  const std::int64_t half = cos.shape().rank() > 0 ? cos.dim(cos.shape().rank() - 1) : 0;
  check(2 * half == (rotary_dim == 0 ? layout.head_dim : rotary_dim), "onnx",
        "RotaryEmbedding turns {} of {} dimensions; cos_cache {} is for {}", rotary_dim,
        layout.head_dim, cos.shape(), 2 * half);
  Tensor y = x.clone();
  for (std::int64_t b = 0; b < layout.batch; ++b) {
    const MutableTensorView one(y.span<float>().data() + b * layout.strides[0], DType::f32,
                                Shape({layout.length, layout.heads, layout.head_dim}),
                                Shape({layout.strides[1], layout.strides[2], 1}));
    std::span<const std::int64_t> own;
    if (positions)
      own = positions->tensor.span<std::int64_t>().subspan(
          static_cast<std::size_t>(b * layout.length), static_cast<std::size_t>(layout.length));
    rope(one, table_of(cos, sin, b), style, own);
  }
  Outputs out;
  out.push_back(std::move(y));
  return out;
}

}  // namespace headlight::onnx
