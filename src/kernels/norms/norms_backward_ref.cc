#include <cmath>
#include <vector>

#include "kernels/norms/norms_backward.h"
#include "kernels/norms/norms_backward_arguments.h"

namespace headlight {
namespace {

enum class Norm { layer, rms };

struct ParameterSums {
  std::vector<double> weight, bias;
};

// One row: n and 1/spread again, then d_x, and the row's share of the parameters' gradients.
void backward_row(Norm norm, const NormBackwardArguments& a, std::int64_t r, ParameterSums& sums) {
  const auto d = static_cast<std::size_t>(a.x.width);
  const auto width = static_cast<double>(d);
  double mean = 0, squares = 0;
  for (std::size_t i = 0; norm == Norm::layer && i < d; ++i) mean += a.x[r][i] / width;
  for (std::size_t i = 0; i < d; ++i) squares += (a.x[r][i] - mean) * (a.x[r][i] - mean);
  const double scale = 1 / std::sqrt(squares / width + static_cast<double>(a.eps));
  std::vector<double> n(d), g(d);
  double mean_g = 0, mean_gn = 0;
  for (std::size_t i = 0; i < d; ++i) {
    const double d_y = a.d_y[r][i];
    n[i] = (a.x[r][i] - mean) * scale;
    g[i] = d_y * a.weight[i];
    sums.weight[i] += d_y * n[i];
    sums.bias[i] += d_y;
    if (norm == Norm::layer) mean_g += g[i] / width;
    mean_gn += g[i] * n[i] / width;
  }
  for (std::size_t i = 0; i < d; ++i)
    a.d_x[r][i] = static_cast<float>(scale * (g[i] - mean_g - n[i] * mean_gn));
}

void write_sums(std::span<float> to, GradientMode mode, std::span<const double> from) {
  for (std::size_t i = 0; i < to.size(); ++i)
    to[i] = static_cast<float>((mode == GradientMode::add ? to[i] : 0.0) + from[i]);
}

void run(Norm norm, const NormBackwardArguments& a, const NormGradients& g) {
  const auto d = static_cast<std::size_t>(a.x.width);
  ParameterSums sums{std::vector<double>(d), std::vector<double>(d)};
  for (std::int64_t r = 0; r < a.x.count; ++r) backward_row(norm, a, r, sums);
  write_sums(g.d_weight, g.mode, sums.weight);
  write_sums(g.d_bias, g.mode, sums.bias);
}

}  // namespace

void layer_norm_backward_ref(TensorView x, TensorView weight, float eps,
                             const NormGradients& gradients) {
  run(Norm::layer, norm_backward_arguments("layer_norm_backward", x, weight, eps, gradients),
      gradients);
}

void rms_norm_backward_ref(TensorView x, TensorView weight, float eps,
                           const NormGradients& gradients) {
  const auto a = norm_backward_arguments("rms_norm_backward", x, weight, eps, gradients);
  check(gradients.d_bias.empty(), "rms_norm_backward", "d_bias is asked for but there is no bias");
  run(Norm::rms, a, gradients);
}

}  // namespace headlight
