// Gradients of the elementwise activations.
#pragma once

#include <span>

#include "kernels/activations/activations.h"

namespace headlight {

/// d_x = d_y * f'(x), x being what `activate` was given. All of one length; d_x is overwritten and
/// may be the memory of d_y or x. relu's slope at 0 is 0. The slopes are right for every finite x;
/// NaN stays NaN (but for relu, which sees no sign and passes nothing on).
void activate_backward(Activation f, std::span<const float> x, std::span<const float> d_y,
                       std::span<float> d_x);

/// What `activate_gated` was given, and the gradient of its product.
struct GatedActivation {
  std::span<const float> gate, up;
  std::span<const float> d_y;
};
/// d_gate = d_y * up * f'(gate) and d_up = d_y * f(gate). All of one length; both outputs are
/// overwritten; d_gate may be the memory of gate, d_up that of up, or either that of d_y.
void activate_gated_backward(Activation f, const GatedActivation& given, std::span<float> d_gate,
                             std::span<float> d_up);

/// The same, computed in double with libm.
void activate_backward_ref(Activation f, std::span<const float> x, std::span<const float> d_y,
                           std::span<float> d_x);
void activate_gated_backward_ref(Activation f, const GatedActivation& given,
                                 std::span<float> d_gate, std::span<float> d_up);

}  // namespace headlight
