#include <cmath>

#include "kernels/norms/norm_arguments.h"
#include "kernels/norms/norms.h"

namespace headlight {

void layer_norm_ref(TensorView x, TensorView weight, TensorView bias, float eps,
                    MutableTensorView y) {
  const NormArguments a = norm_arguments("layer_norm", x, weight, bias, eps, y);
  const std::int64_t d = a.x.width;
  for (std::int64_t r = 0; r < a.x.count; ++r) {
    double mean = 0;
    for (std::int64_t i = 0; i < d; ++i) mean += a.x[r][i];
    mean /= static_cast<double>(d);
    double var = 0;
    for (std::int64_t i = 0; i < d; ++i) var += (a.x[r][i] - mean) * (a.x[r][i] - mean);
    var /= static_cast<double>(d);
    const double scale = 1 / std::sqrt(var + static_cast<double>(eps));
    for (std::int64_t i = 0; i < d; ++i) {
      const double shift = a.bias ? a.bias[i] : 0;
      a.y[r][i] = static_cast<float>((a.x[r][i] - mean) * scale * a.weight[i] + shift);
    }
  }
}

void rms_norm_ref(TensorView x, TensorView weight, float eps, MutableTensorView y) {
  const NormArguments a = norm_arguments("rms_norm", x, weight, {}, eps, y);
  const std::int64_t d = a.x.width;
  for (std::int64_t r = 0; r < a.x.count; ++r) {
    double squares = 0;
    for (std::int64_t i = 0; i < d; ++i)
      squares += static_cast<double>(a.x[r][i]) * static_cast<double>(a.x[r][i]);
    const double scale = 1 / std::sqrt(squares / static_cast<double>(d) + static_cast<double>(eps));
    for (std::int64_t i = 0; i < d; ++i)
      a.y[r][i] = static_cast<float>(a.x[r][i] * scale * a.weight[i]);
  }
}

}  // namespace headlight
