// SplitMix64 (Steele, Lea and Flood 2014): the same numbers on every machine, from any index.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/mix64.h"

namespace headlight {

class SplitMix {
 public:
  explicit SplitMix(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() { return mix64(state_ += kMix64Step); }
  /// A number in [0, n), n in [1, 2^32). Numbers differ in frequency by less than n / 2^32.
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(((next() >> 32) * n) >> 32); }
  bool chance(std::size_t percent) { return below(100) < percent; }

 private:
  std::uint64_t state_;
};

}  // namespace headlight
