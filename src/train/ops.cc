#include "train/ops.h"

#include <algorithm>

#include "core/threads.h"
#include "kernels/norms/norms.h"
#include "kernels/norms/norms_backward.h"

namespace headlight {
namespace {

constexpr MatmulOptions kAdd = {.accumulate = true};
constexpr std::int64_t kFloatsPerBlock = 1 << 14;

/// Calls body(begin, end) on parts of [0, n), `width` floats each, on several threads if it pays.
template <class Body>
void for_blocks(std::int64_t n, std::int64_t width, const Body& body) {
  const std::int64_t step =
      std::max<std::int64_t>(1, kFloatsPerBlock / std::max<std::int64_t>(width, 1));
  parallel_for((n + step - 1) / step,
               [&](std::int64_t i) { body(i * step, std::min(n, (i + 1) * step)); });
}

}  // namespace

void apply_linear(const LinearParameters& layer, TensorView x, MutableTensorView y,
                  TensorView residual) {
  linear_forward(x, layer.weight, layer.layout, y, {.bias = layer.bias, .residual = residual});
}

void linear_backward(const LinearParameters& layer, const LinearParameters& gradients,
                     const LinearBackward& io) {
  linear_backward_weight(io.x, io.d_y, layer.layout, gradients.weight, kAdd);
  if (layer.bias) linear_backward_bias(io.d_y, gradients.bias, kAdd);
  if (io.d_x)
    linear_backward_input(io.d_y, layer.weight, layer.layout, io.d_x,
                          {.accumulate = io.add_to_d_x});
}

void apply_norm(const ModelConfig& config, const NormParameters& norm, TensorView x,
                MutableTensorView y) {
  if (config.family == Family::llama)
    rms_norm(x, norm.weight, config.norm_eps, y);
  else
    layer_norm(x, norm.weight, norm.bias, config.norm_eps, y);
}

void norm_backward(const ModelConfig& config, const NormParameters& norm,
                   const NormParameters& gradients, const NormBackward& io) {
  NormGradients g{.d_y = io.d_y,
                  .d_x = io.d_x,
                  .d_weight = elements(gradients.weight),
                  .mode = GradientMode::add};
  if (gradients.bias) g.d_bias = elements(gradients.bias);
  if (config.family == Family::llama)
    rms_norm_backward(io.x, norm.weight, config.norm_eps, g);
  else
    layer_norm_backward(io.x, norm.weight, config.norm_eps, g);
}

void add_to(MutableTensorView sum, TensorView term) {
  float* to = sum.as<float>();
  const float* from = term.as<float>();
  for_blocks(sum.numel(), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) to[i] += from[i];
  });
}

std::span<float> elements(MutableTensorView view) {
  return {view.as<float>(), static_cast<std::size_t>(view.numel())};
}

std::span<const float> elements(TensorView view) {
  return {view.as<float>(), static_cast<std::size_t>(view.numel())};
}

}  // namespace headlight
