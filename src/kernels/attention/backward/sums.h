// The gradients that have one value a head, from what the tiles summed up.
#pragma once

#include "kernels/attention/backward/plan.h"

namespace headlight {

/// Writes or adds d_sinks, d_head_gate and d_alibi_slopes, and in a fixed order. With delta_i =
/// dz_i . z_i, a sink's gradient is -sum exp(sink - lse_i) delta_i and an open gate's sum delta_i /
/// gate.
void write_head_sums(const AttentionProblem& problem, const AttentionTensors& tensors,
                     const AttentionGradients& gradients, const BackwardShared& shared);

}  // namespace headlight
