// SplitMix64 (Steele, Lea and Flood 2014): the same numbers on every machine, from any index.
#pragma once

#include <cstddef>
#include <cstdint>

namespace headlight {

/// The finaliser of SplitMix64: every bit of the result depends on every bit of `x`.
constexpr std::uint64_t mix64(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

class SplitMix {
 public:
  explicit SplitMix(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() { return mix64(state_ += 0x9E3779B97F4A7C15u); }
  /// A number in [0, n), n in [1, 2^32). Numbers differ in frequency by less than n / 2^32.
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(((next() >> 32) * n) >> 32); }
  bool chance(std::size_t percent) { return below(100) < percent; }

 private:
  std::uint64_t state_;
};

}  // namespace headlight
