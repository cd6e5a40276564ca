// The checked arguments of the activations' gradients, shared by the reference and the fast
// versions.
#pragma once

#include "core/error.h"
#include "kernels/activations/activations_backward.h"

namespace headlight {

inline void check_activation_backward(std::span<const float> x, std::span<const float> d_y,
                                      std::span<const float> d_x) {
  check(x.size() == d_y.size() && x.size() == d_x.size(), "activation_backward",
        "x [{}], d_y [{}] and d_x [{}] must have the same length", x.size(), d_y.size(),
        d_x.size());
}

struct GatedPointers {
  const float *gate, *up, *d_y;
  float *d_gate, *d_up;

  GatedPointers from(std::int64_t i) const {
    return {gate + i, up + i, d_y + i, d_gate + i, d_up + i};
  }
};

inline GatedPointers gated_pointers(const GatedActivation& given, std::span<float> d_gate,
                                    std::span<float> d_up) {
  const std::size_t n = given.gate.size();
  check(given.up.size() == n && given.d_y.size() == n && d_gate.size() == n && d_up.size() == n,
        "activation_backward",
        "gate [{}], up [{}], d_y [{}], d_gate [{}] and d_up [{}] must have the same length", n,
        given.up.size(), given.d_y.size(), d_gate.size(), d_up.size());
  return {given.gate.data(), given.up.data(), given.d_y.data(), d_gate.data(), d_up.data()};
}

}  // namespace headlight
