// PyTorch's mask conventions, translated to Headlight's by name.
#pragma once

#include <cstdint>

#include "core/tensor.h"

namespace headlight {

/// nn.MultiheadAttention's key_padding_mask, bool or u8 [B, S], true = ignore the key:
/// a mask [B, 1, 1, S], true = may attend.
Tensor mask_from_torch_key_padding(TensorView key_padding_mask);
/// Its boolean attn_mask, [T, S] or [B * n_heads, T, S], true = may not attend:
/// a mask [1, 1, T, S] or [B, n_heads, T, S], true = may attend.
Tensor mask_from_torch_attn_mask(TensorView attn_mask, std::int64_t n_heads);
/// Its additive attn_mask, contiguous fp32 of the same shapes: the same values as a bias, not
/// copied.
TensorView bias_from_torch_attn_mask(TensorView attn_mask, std::int64_t n_heads);

}  // namespace headlight
