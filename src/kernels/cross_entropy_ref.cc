#include <algorithm>
#include <cmath>

#include "kernels/cross_entropy.h"
#include "kernels/cross_entropy_arguments.h"

namespace headlight {

CrossEntropy cross_entropy_ref(TensorView logits, std::span<const std::int64_t> targets,
                               MutableTensorView d_logits, double d_loss) {
  const CrossEntropyArguments a = cross_entropy_arguments(logits, targets, d_logits);
  CrossEntropy total;
  for (std::int64_t r = 0; r < a.logits.count; ++r) {
    const std::int64_t target = a.target(r);
    const float* x = a.logits[r];
    float* d_x = a.d_row(r);
    if (target == kIgnoredTarget) {
      if (d_x) std::fill_n(d_x, a.logits.width, 0.0f);
      continue;
    }
    const double max = *std::max_element(x, x + a.logits.width);
    double sum = 0;
    for (std::int64_t j = 0; j < a.logits.width; ++j) sum += std::exp(x[j] - max);
    total.loss += max + std::log(sum) - x[target];
    ++total.rows;
    for (std::int64_t j = 0; d_x && j < a.logits.width; ++j)
      d_x[j] = static_cast<float>(d_loss * (std::exp(x[j] - max) / sum - (j == target ? 1 : 0)));
  }
  return total;
}

}  // namespace headlight
