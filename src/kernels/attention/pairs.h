// Masks and biases of fewer than four extents, as kernels read them.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/attention/attention.h"

namespace headlight {

/// A mask or bias of rank 1 to 4 as [B, H, Tq, Tkv]: extents of 1 in front, as NumPy broadcasts.
template <class View>
View with_four_extents(const View& pairs) {
  if (!pairs || pairs.rank() == 0 || pairs.rank() >= 4) return pairs;
  Shape shape, strides;
  for (std::size_t d = pairs.rank(); d < 4; ++d) {
    shape.push_back(1);
    strides.push_back(pairs.stride(0) * std::max<std::int64_t>(pairs.dim(0), 1));
  }
  for (std::size_t d = 0; d < pairs.rank(); ++d) {
    shape.push_back(pairs.dim(d));
    strides.push_back(pairs.stride(d));
  }
  return {pairs.data(), pairs.dtype(), shape, strides};
}

inline bool has_short_pairs(const AttentionTensors& t) {
  return (t.mask && t.mask.rank() < 4) || (t.bias && t.bias.rank() < 4);
}

inline AttentionTensors with_four_extents(AttentionTensors t) {
  t.mask = with_four_extents(t.mask);
  t.bias = with_four_extents(t.bias);
  return t;
}

}  // namespace headlight
