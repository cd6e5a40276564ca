// Random numbers as a function of a seed and counters: nothing to save when training stops, and the
// same numbers after it goes on.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

#include "core/mix64.h"

namespace headlight {

/// What numbers are drawn for; each use has a sequence of its own.
enum class RandomUse : std::uint64_t {
  initial_values = 1,
  examples,
  masks,
  heldout,
  resampling,
  head_sets
};

/// A sequence named by (seed, use, index): SplitMix64 (Steele, Lea & Flood 2014) over a counter.
class Random {
 public:
  Random(std::uint64_t seed, RandomUse use, std::uint64_t index)
      : state_(mix64(mix64(mix64(seed) + static_cast<std::uint64_t>(use)) + index)) {}

  std::uint64_t bits() { return mix64(state_ += kMix64Step); }
  /// In [0, 1), 53 bits.
  double uniform() { return static_cast<double>(bits() >> 11) * 0x1p-53; }
  /// In [0, n), n >= 1.
  std::int64_t below(std::int64_t n) {
    return static_cast<std::int64_t>(uniform() * static_cast<double>(n));
  }
  /// Standard normal (Box & Muller 1958).
  double normal() {
    const double radius = std::sqrt(-2 * std::log(1 - uniform()));
    return radius * std::cos(2 * std::numbers::pi * uniform());
  }

 private:
  std::uint64_t state_;
};

}  // namespace headlight
