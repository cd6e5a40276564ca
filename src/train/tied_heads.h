// Heads that are copies of each other, for asking what separate projections are worth.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "train/parameters.h"

namespace headlight {

/// The projections of all heads of a layer as one: every head's rows of W_Q, W_K and W_V, and of
/// their biases, are head 0's. A step sums the heads' gradients, as for any shared parameter, and
/// gives every copy the sum; equal values with equal gradients stay equal, bit for bit.
class TiedHeads {
 public:
  /// Throws for a family that stores q, k and v as one matrix (gpt2).
  explicit TiedHeads(const ParameterLayout& layout);

  /// Every head's part of a store becomes head 0's.
  void copy_first(Tensor& store) const;
  /// Head 0's part becomes the sum of all heads' parts, in the order of heads; the others zero.
  void sum_into_first(Tensor& store) const;
  /// Parameters that are copies.
  std::int64_t n_copies() const;

 private:
  /// One tensor's rows, head after head.
  struct Part {
    std::int64_t offset, heads, size;  ///< in floats; size is that of one head
  };
  static std::span<float> of_head(Tensor& store, const Part& part, std::int64_t head);

  std::vector<Part> parts_;
};

}  // namespace headlight
