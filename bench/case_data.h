// The inputs of a side-by-side case: the same bits as bench/peers/protocol.py makes.
#pragma once

#include <cmath>
#include <cstdint>

#include "core/mix64.h"
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
    const auto top = static_cast<float>(mix64(++counter * kMix64Step) >> 40);
    value = (top * 0x1p-23f - 1.0f) * static_cast<float>(scale);
  }
  return out;
}

}  // namespace headlight::bench
