#include "kernels/dropout.h"

#include <algorithm>
#include <cmath>

namespace headlight {

std::uint32_t Dropout::threshold() const {
  constexpr double kWords = 4294967296.0, kLargest = 4294967295.0;
  return static_cast<std::uint32_t>(
      std::min(std::round(static_cast<double>(p) * kWords), kLargest));
}

std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> c,
                                        std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53} * c[0];
    const std::uint64_t b = std::uint64_t{0xCD9E8D57} * c[2];
    c = {static_cast<std::uint32_t>(b >> 32) ^ c[1] ^ key[0], static_cast<std::uint32_t>(b),
         static_cast<std::uint32_t>(a >> 32) ^ c[3] ^ key[1], static_cast<std::uint32_t>(a)};
    key[0] += 0x9E3779B9;  // the golden ratio
    key[1] += 0xBB67AE85;  // the square root of 3, less 1
  }
  return c;
}

float dropout_factor(const Dropout& dropout, std::uint32_t row, std::int64_t query,
                     std::int64_t key) {
  const auto words = philox4x32(
      {static_cast<std::uint32_t>(key / 4), static_cast<std::uint32_t>(query), row, dropout.offset},
      {static_cast<std::uint32_t>(dropout.seed), static_cast<std::uint32_t>(dropout.seed >> 32)});
  return words[static_cast<std::size_t>(key % 4)] < dropout.threshold() ? 0 : dropout.kept();
}

}  // namespace headlight
