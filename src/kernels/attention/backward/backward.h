// Gradients of attention with respect to everything that goes in, recomputing the pattern from lse.
//
// With P = pattern, dP = gate * dz V^T and delta_i = sum_j P_ij dP_ij (Dao et al. 2022, appendix
// B.2):
//   dV = gate * P^T dz          dS = P * (dP - delta)          dq = scale * dS' K   dk = scale *
//   dS'^T q
// With dropout, P in dV and dP are multiplied by each pair's factor, and delta stays what it is.
// where dS' = dS * (1 - (capped / softcap)^2) with a softcap, else dS. dS itself is the bias's
// gradient; a sink's is -exp(sink - lse) * delta summed over rows; a gate's is sum dz . (P V).
#pragma once

#include <span>

#include "kernels/attention/attention.h"
#include "kernels/gradient_mode.h"

namespace headlight {

/// Where gradients come from and go. d_q, d_k and d_v are overwritten; the others as `mode` says.
struct AttentionGradients {
  TensorView d_z = {};         ///< [B, Tq, H, Dv], given: dL/dz, z after the head gate
  MutableTensorView d_q = {};  ///< [B, Tq, H, D]
  MutableTensorView d_k = {};  ///< [B, Tkv, Hkv, D], summed over the query heads that read it
  MutableTensorView d_v = {};  ///< [B, Tkv, Hkv, Dv]
  MutableTensorView d_bias =
      {};  ///< optional, f32, the bias's shape; summed over broadcast extents
  std::span<float> d_sinks = {};         ///< optional, [H]
  std::span<float> d_head_gate = {};     ///< optional, [H]; right at a gate of 0, too
  std::span<float> d_alibi_slopes = {};  ///< optional, [H]
  GradientMode mode = GradientMode::overwrite;
};

/// Backward of `attention` with the same tensors and options. Reads q, k, v, z and lse (both as the
/// forward pass left them) and the optional inputs of `tensors`. q, k, v and z in f32, bf16 or f16;
/// d_z, d_q, d_k and d_v each in the type of what it belongs to or in f32; computed in fp32. O(T)
/// extra memory. Dead rows
/// give zeros. Bitwise the same result at a given thread count. Tiled, in parallel over batch
/// entries, heads and runs of keys (a bias that repeats over batch entries or heads has its sums
/// made run by run); the reference runs, and the report says why, when k or v holds a value that is
/// not finite.
/// Throws Error("attention_backward", ...) naming both shapes.
AttentionReport attention_backward(const AttentionTensors& tensors, const AttentionOptions& options,
                                   const AttentionGradients& gradients);

/// The same in plain loops, accumulating in double: the oracle.
void attention_backward_ref(const AttentionProblem& problem, const AttentionTensors& tensors,
                            const AttentionGradients& gradients);

}  // namespace headlight
