// Gradients of activations that are stored in 16 bits.
#pragma once

#include "kernels/attention/backward/backward.h"

namespace headlight {

/// Whether any of q, k, v, z and their gradients is stored in other than 32 bits.
bool is_half(const AttentionTensors& tensors, const AttentionGradients& gradients);

/// attention_backward() of such tensors: each is widened once and the gradients are rounded once,
/// so that what lies between is the fp32 pass. O(T) memory.
AttentionReport attention_backward_half(const AttentionTensors& tensors,
                                        const AttentionOptions& options,
                                        const AttentionGradients& gradients);

}  // namespace headlight
