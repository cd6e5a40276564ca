#include "kernels/attention/backward/sums.h"

#include <cmath>

namespace headlight {
namespace {

/// Sums of a head over all batch entries, rows and runs.
struct WholeHead {
  double sink = 0, delta = 0, closed_gate = 0, slope = 0;
};

WholeHead sum_of_head(const AttentionProblem& p, const AttentionTensors& t,
                      const BackwardShared& shared, std::int64_t h) {
  WholeHead sum;
  for (std::int64_t b = 0; b < p.batch; ++b) {
    const float* delta = shared.delta.data() + (b * p.n_heads + h) * p.q_len;
    const float* lse = t.lse.as<float>() + b * t.lse.stride(0) + h * t.lse.stride(1);
    for (std::int64_t i = 0; i < p.q_len; ++i) {
      const double lse_i = lse[i * t.lse.stride(2)];
      if (std::isinf(lse_i)) continue;  // a dead row
      sum.delta += delta[i];
      if (!t.sinks.empty())
        sum.sink -= std::exp(t.sinks[static_cast<std::size_t>(h)] - lse_i) * delta[i];
    }
    for (std::int64_t run = 0; run < shared.plan.runs; ++run) {
      const HeadSums& part =
          shared.sums[shared.plan.sums_at(run, b, 0) + static_cast<std::size_t>(h)];
      sum.closed_gate += part.gate;
      sum.slope += part.slope;
    }
  }
  return sum;
}

void write(std::span<float> to, GradientMode mode, std::size_t at, double sum) {
  if (to.empty()) return;
  to[at] = static_cast<float>((mode == GradientMode::add ? to[at] : 0.0) + sum);
}

}  // namespace

void write_head_sums(const AttentionProblem& problem, const AttentionTensors& tensors,
                     const AttentionGradients& gradients, const BackwardShared& shared) {
  const AttentionGradients& g = gradients;
  if (g.d_sinks.empty() && g.d_head_gate.empty() && g.d_alibi_slopes.empty()) return;
  for (std::int64_t h = 0; h < problem.n_heads; ++h) {
    const auto at = static_cast<std::size_t>(h);
    const WholeHead sum = sum_of_head(problem, tensors, shared, h);
    const double gate = tensors.head_gate.empty() ? 1.0 : tensors.head_gate[at];
    write(g.d_sinks, g.mode, at, sum.sink);
    write(g.d_head_gate, g.mode, at, gate == 0 ? sum.closed_gate : sum.delta / gate);
    write(g.d_alibi_slopes, g.mode, at, sum.slope);
  }
}

}  // namespace headlight
