// A price on heads that read the same words, so that they divide the work.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/attention/attention.h"

namespace headlight {

/// How much the heads of a model read the same words: over each row of some sequences of one
/// length, the sum over the words j of sum_{h != g} pattern_h[j] pattern_g[j], divided by the
/// number of heads: with how many others a head shares its word, whatever their layers. The first
/// and the last position are free: there stand the marks on which heads without work rest. From the
/// disagreement regularisation of Li et al. 2018 ("Multi-Head Attention with Disagreement
/// Regularization", section 3.2, on attended positions), which stays within a layer; a word that
/// one layer has brought can be brought again by the next, so that no head would be missed.
/// O(T^2) memory for a sequence: made for sentences.
class HeadOverlap {
 public:
  HeadOverlap(std::int64_t sequences, std::int64_t length);

  /// Takes a layer's heads in. q and k of `tensors` as attention() read them, [B, T, H, D] and
  /// [B, T, Hkv, D]; z and lse may hold anything.
  void add(const AttentionTensors& tensors, const AttentionOptions& options);
  /// The overlap of all heads added.
  double value() const;
  /// Adds `weight` times the gradient of value() to the d_q and d_k of a layer that was added.
  void backward(const AttentionTensors& tensors, const AttentionOptions& options, double weight,
                MutableTensorView d_q, MutableTensorView d_k) const;

 private:
  std::int64_t sequences_, length_, n_heads_ = 0;
  std::vector<float> sums_;  ///< [sequences, T, T] of the patterns of all heads
  double squares_ = 0;       ///< sum of pattern^2 of all heads where it is not free
};

}  // namespace headlight
