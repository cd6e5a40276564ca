// Random numbers as a function of a seed and counters: nothing to save when training stops, and the
// same numbers after it goes on.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

namespace headlight {

/// What numbers are drawn for; each use has a sequence of its own.
enum class RandomUse : std::uint64_t { initial_values = 1, examples, masks, heldout };

/// A sequence named by (seed, use, index): SplitMix64 (Steele, Lea & Flood 2014) over a counter.
class Random {
 public:
  Random(std::uint64_t seed, RandomUse use, std::uint64_t index)
      : state_(mix(mix(mix(seed) + static_cast<std::uint64_t>(use)) + index)) {}

  std::uint64_t bits() { return mix(state_ += kStep); }
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
  static constexpr std::uint64_t kStep = 0x9E3779B97F4A7C15ull;
  static std::uint64_t mix(std::uint64_t x) {
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
    return x ^ (x >> 31);
  }

  std::uint64_t state_;
};

}  // namespace headlight
