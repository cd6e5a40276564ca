// The one source of random bits: the same on every machine.
#pragma once

#include <cstdint>

namespace headlight {

/// What SplitMix64 (Steele, Lea & Flood 2014) adds to its counter for each number.
inline constexpr std::uint64_t kMix64Step = 0x9E3779B97F4A7C15u;

/// The finaliser of SplitMix64: every bit of the result depends on every bit of `x`.
constexpr std::uint64_t mix64(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

}  // namespace headlight
