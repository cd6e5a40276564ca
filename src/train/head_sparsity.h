// A price on heads, so that those which nothing needs fall silent.
#pragma once

#include <cstdint>
#include <vector>

#include "train/parameters.h"

namespace headlight {

/// The proximal step of a group lasso (Yuan & Lin 2006, section 2) over the heads of a model: a
/// group is one head's rows of W_V, or its part of W_O. Its norm falls by the same amount whatever
/// it is, down to zero, so a head has to be worth it, and work that one head can do does not spread
/// over all of them.
class HeadSparsity {
 public:
  /// Throws for a family that stores q, k and v as one matrix (gpt2).
  explicit HeadSparsity(const ParameterLayout& layout);

  /// Takes `amount` off the norm of every group.
  void shrink(Tensor& values, double amount) const;

 private:
  /// A matrix whose rows or columns belong to heads, one after another.
  struct Part {
    std::int64_t offset, rows, columns, heads;
    bool by_rows;
  };
  std::vector<Part> parts_;
};

}  // namespace headlight
