// ONNX operators on Headlight's kernels: the adapters at the border (masks, layouts, attributes).
#pragma once

#include <vector>

#include "conformance/onnx_case.h"

namespace headlight::onnx {

/// Inputs by position; null where an optional input is left out.
using Inputs = std::vector<const Value*>;
/// Outputs by position; empty tensors where the op does not give one. Floating outputs are fp32.
using Outputs = std::vector<Tensor>;

/// Attention, opset 23 to 25. Inputs Q, K, V, attn_mask, past_key, past_value, nonpad_kv_seqlen;
/// outputs Y, present_key, present_value, qk_matmul_output.
Outputs run_attention(const Node& node, const Inputs& inputs);
/// LayerNormalization: Y, Mean, InvStdDev.
Outputs run_layer_normalization(const Node& node, const Inputs& inputs);
Outputs run_rms_normalization(const Node& node, const Inputs& inputs);
Outputs run_softmax(const Node& node, const Inputs& inputs);
Outputs run_rotary_embedding(const Node& node, const Inputs& inputs);

/// Input i, or null when it is left out or past the end.
inline const Value* optional_input(const Inputs& inputs, std::size_t i) {
  return i < inputs.size() ? inputs[i] : nullptr;
}
/// Input i's tensor; throws when it is left out.
const Tensor& required_input(const Node& node, const Inputs& inputs, std::size_t i);
/// A negative axis counts from the end. Throws when out of range.
std::size_t normal_axis(const Node& node, std::int64_t axis, std::size_t rank);

}  // namespace headlight::onnx
