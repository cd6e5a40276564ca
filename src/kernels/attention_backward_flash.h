// The tiled gradients of attention, behind attention_backward().
#pragma once

#include <string_view>

#include "kernels/attention_backward.h"

namespace headlight {

/// d_q, d_k and d_v, by tiles; k and v finite. The other gradients are not touched. Returns the
/// instruction set it ran on.
std::string_view attention_backward_flash(const AttentionProblem& problem,
                                          const AttentionTensors& tensors,
                                          const AttentionGradients& gradients);

}  // namespace headlight
