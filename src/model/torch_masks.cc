#include "model/torch_masks.h"

#include <string_view>

#include "core/error.h"

namespace headlight {
namespace {

constexpr std::string_view kOp = "torch_masks";

Tensor inverted(TensorView mask, const Shape& shape) {
  check(mask.dtype() == DType::boolean || mask.dtype() == DType::u8, kOp,
        "mask {} is {}; it must be bool or u8, additive ones become a bias",
        to_string(mask.shape()), name_of(mask.dtype()));
  check(mask.contiguous(), kOp, "mask {} has strides {}; it must be contiguous",
        to_string(mask.shape()), to_string(mask.strides()));
  Tensor out(DType::u8, shape);
  const auto* from = static_cast<const std::uint8_t*>(mask.data());
  for (std::uint8_t& may_attend : out.span<std::uint8_t>()) may_attend = *from++ == 0;
  return out;
}

/// [T, S] as [1, 1, T, S], [B * H, T, S] as [B, H, T, S].
Shape split_heads(const Shape& shape, std::int64_t n_heads) {
  if (shape.rank() == 2) return {1, 1, shape[0], shape[1]};
  check(shape.rank() == 3 && n_heads >= 1 && shape[0] % n_heads == 0, kOp,
        "attn_mask {} with {} heads; it must be [T, S] or [batch x heads, T, S]", to_string(shape),
        n_heads);
  return {shape[0] / n_heads, n_heads, shape[1], shape[2]};
}

}  // namespace

Tensor mask_from_torch_key_padding(TensorView key_padding_mask) {
  const Shape& shape = key_padding_mask.shape();
  check(shape.rank() == 2, kOp, "key_padding_mask {} must be [batch, keys]", to_string(shape));
  return inverted(key_padding_mask, {shape[0], 1, 1, shape[1]});
}

Tensor mask_from_torch_attn_mask(TensorView attn_mask, std::int64_t n_heads) {
  return inverted(attn_mask, split_heads(attn_mask.shape(), n_heads));
}

TensorView bias_from_torch_attn_mask(TensorView attn_mask, std::int64_t n_heads) {
  const Shape shape = split_heads(attn_mask.shape(), n_heads);
  check(attn_mask.dtype() == DType::f32 && attn_mask.contiguous(), kOp,
        "attn_mask {} is {} with strides {}; an additive one must be contiguous f32",
        to_string(attn_mask.shape()), name_of(attn_mask.dtype()), to_string(attn_mask.strides()));
  return {attn_mask.as<float>(), shape};
}

}  // namespace headlight
