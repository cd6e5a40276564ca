// The checked arguments of cross_entropy, shared by the reference and the fast version.
#pragma once

#include "kernels/cross_entropy.h"
#include "kernels/rows.h"

namespace headlight {

struct CrossEntropyArguments {
  Rows<const float> logits;
  Rows<float> d_logits;  ///< no data: not wanted
  std::span<const std::int64_t> targets;

  std::int64_t target(std::int64_t row) const { return targets[static_cast<std::size_t>(row)]; }
  float* d_row(std::int64_t row) const { return d_logits.data ? d_logits[row] : nullptr; }
};

inline CrossEntropyArguments cross_entropy_arguments(const TensorView& logits,
                                                     std::span<const std::int64_t> targets,
                                                     const MutableTensorView& d_logits) {
  constexpr std::string_view kOp = "cross_entropy";
  CrossEntropyArguments a{rows_of(kOp, "logits", logits), {}, targets};
  if (d_logits) {
    a.d_logits = rows_of(kOp, "d_logits", d_logits);
    check(logits.shape() == d_logits.shape(), kOp, "logits {} and d_logits {} must be alike",
          logits.shape(), d_logits.shape());
  }
  check(std::ssize(targets) == logits.dim(0), kOp, "{} targets for logits {}; give one per row",
        targets.size(), logits.shape());
  for (const std::int64_t t : targets)
    check(t == kIgnoredTarget || (0 <= t && t < logits.dim(1)), kOp,
          "target {} is not a class of logits {}; {} marks a row to leave out", t, logits.shape(),
          kIgnoredTarget);
  return a;
}

}  // namespace headlight
