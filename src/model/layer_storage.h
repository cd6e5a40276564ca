// Inputs and outputs of a layer that are stored in 16 bits.
#pragma once

#include "core/tensor.h"
#include "model/multi_head_attention_impl.h"

namespace headlight {

/// x [B, T, width] as contiguous fp32 in `storage`.
TensorView widened(TensorView x, GrowingBuffer<float>& storage);
/// 16-bit inputs in fp32; those that are one stay one.
LayerInputs widened_inputs(const LayerInputs& in, LayerWorkspace& workspace);
/// Rounds contiguous fp32 rows [B, T, width] to the dtype of `out`, whose rows are contiguous.
void narrow_rows(TensorView from, MutableTensorView out);

}  // namespace headlight
