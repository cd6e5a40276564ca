// What the kernel tests share: values to compute on, and every vector target in turn.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <vector>

#include "kernels/target_override.h"

namespace headlight::testing {

/// n normal values of the given mean and spread, the same in every run.
inline std::vector<float> normal_values(std::size_t n, float mean = 0, float spread = 1,
                                        std::uint32_t seed = 1) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(mean, spread);
  std::vector<float> out(n);
  for (float& v : out) v = normal(generator);
  return out;
}

/// Runs `body` once on each instruction set that this machine has.
template <class Body>
void on_every_target(const Body& body) {
  for (const VectorTarget& target : vector_targets()) {
    SCOPED_TRACE(target.name);
    const TargetOverride override(target);
    body();
  }
}

}  // namespace headlight::testing
