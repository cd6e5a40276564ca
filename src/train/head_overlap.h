// A price on heads that read the same words, so that they divide the work.
#pragma once

#include "kernels/attention/attention.h"

namespace headlight {

/// How much the heads of a layer read the same words: over each row of the sequences of `tensors`
/// (q, k, lse as attention() left them; [B, T, H, D] and [B, T, Hkv, D], Tq = Tkv = T), the sum
/// over the words j of sum_{h != g} pattern_h[j] pattern_g[j], divided by H: with how many others a
/// head shares its word. The first and the last position are free: there stand the marks on which
/// heads without work rest. From the disagreement regularisation of Li et al. 2018 ("Multi-Head
/// Attention with Disagreement Regularization", section 3.2, on attended positions). O(T^2) memory
/// for a sequence: made for sentences.
double head_overlap(const AttentionTensors& tensors, const AttentionOptions& options);

/// Adds `weight` times the gradient of head_overlap() to d_q and d_k, which have the shapes of q
/// and k.
void head_overlap_backward(const AttentionTensors& tensors, const AttentionOptions& options,
                           double weight, MutableTensorView d_q, MutableTensorView d_k);

}  // namespace headlight
