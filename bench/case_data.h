// The inputs of a side-by-side case: the same bits as bench/peers/protocol.py makes.
#pragma once

#include <cmath>
#include <cstdint>

#include "core/tensor.h"

namespace headlight::bench {

/// Which stream of the generator fills which tensor; protocol.py has the same list.
enum class Stream : std::uint8_t {
  x = 1,
  w_qkv = 2,
  b_qkv = 3,
  w_o = 4,
  b_o = 5,
  q = 6,
  k = 7,
  v = 8,
  d_out = 9
};

/// fp32 in [-scale, scale). Value i is splitmix64 (Steele et al. 2014) of stream * 2^40 + i, its
/// top 24 bits, so that every language gives the same bits.
inline Tensor uniform(Stream stream, Shape shape, double scale) {
  Tensor out(shape);
  std::uint64_t counter = static_cast<std::uint64_t>(stream) << 40;
  for (float& value : out.span<float>()) {
    std::uint64_t z = ++counter * 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    const auto top = static_cast<float>((z ^ (z >> 31)) >> 40);
    value = (top * 0x1p-23f - 1.0f) * static_cast<float>(scale);
  }
  return out;
}

}  // namespace headlight::bench
