// The tiled gradients of attention, behind attention_backward().
#pragma once

#include <string_view>

#include "kernels/attention/backward/backward.h"

namespace headlight {

/// Every gradient that is asked for, by tiles; k and v finite. Returns the instruction set it ran
/// on.
std::string_view attention_backward_flash(const AttentionProblem& problem,
                                          const AttentionTensors& tensors,
                                          const AttentionGradients& gradients);

/// Whether k or v [B, T, H, n] holds no infinity and no NaN.
bool all_finite(TensorView view);

}  // namespace headlight
