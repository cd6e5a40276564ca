#include "kernels/rope/rope_scaling.h"

#include <numbers>

namespace headlight {

void scale_linear(std::span<double> frequencies, double factor) {
  for (double& f : frequencies) f /= factor;
}

void scale_llama3(std::span<double> frequencies, const Llama3Scaling& s) {
  for (double& f : frequencies) {
    const double turns = s.trained_len * f / (2 * std::numbers::pi);
    if (turns >= s.high_freq_factor) continue;
    const double between = (turns - s.low_freq_factor) / (s.high_freq_factor - s.low_freq_factor);
    const double keep = turns <= s.low_freq_factor ? 0 : between;
    f = keep * f + (1 - keep) * f / s.factor;
  }
}

}  // namespace headlight
