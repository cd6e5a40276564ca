// Softmax cross entropy in vectors: a sweep for the largest value, one for exp and sum, and with a
// gradient one to scale.
#include "kernels/cross_entropy.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <vector>

#include "kernels/cross_entropy_arguments.h"
#include "kernels/row_blocks.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cross_entropy.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/softmax_row-inl.h"

HWY_BEFORE_NAMESPACE();
namespace headlight {
namespace HWY_NAMESPACE {
namespace {

/// The loss of one row; d_x := d_loss * (softmax - one hot) where d_x is memory for a gradient, or
/// exponentials that nobody reads.
double RowLoss(const float* x, size_t n, size_t target, float* d_x, float d_loss) {
  const hn::ScalableTag<float> d;
  const float max = RowMax(d, x, n);
  const double at_target = x[target];
  const float sum = ExpRow(d, x, n, max, d_x);
  const float factor = d_loss / sum;
  for (size_t i = 0; i < n; ++i) d_x[i] *= factor;
  d_x[target] -= d_loss;
  return max + std::log(static_cast<double>(sum)) - at_target;
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace headlight
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace headlight {

HWY_EXPORT(RowLoss);

CrossEntropy cross_entropy(TensorView logits, std::span<const std::int64_t> targets,
                           MutableTensorView d_logits, double d_loss) {
  const CrossEntropyArguments a = cross_entropy_arguments(logits, targets, d_logits);
  const auto width = static_cast<std::size_t>(a.logits.width);
  std::vector<double> losses(targets.size());
  for_row_blocks(a.logits.count, a.logits.width, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> unread(a.d_logits.data ? 0 : width);
    for (std::int64_t r = begin; r < end; ++r) {
      float* d_x = a.d_logits.data ? a.d_row(r) : unread.data();
      const std::int64_t target = a.target(r);
      if (target == kIgnoredTarget) {
        std::fill_n(d_x, width, 0.0f);
        continue;
      }
      losses[static_cast<std::size_t>(r)] = HWY_DYNAMIC_DISPATCH(RowLoss)(
          a.logits[r], width, static_cast<std::size_t>(target), d_x, static_cast<float>(d_loss));
    }
  });
  return {std::accumulate(losses.begin(), losses.end(), 0.0),
          std::ssize(targets) - std::ranges::count(targets, kIgnoredTarget)};
}

}  // namespace headlight
#endif  // HWY_ONCE
