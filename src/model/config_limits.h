// The largest sizes a configuration may claim. Far above any real model, and small enough that no
// product of two of them times an element size overflows 63 bits; what is really allocated is
// proved by the weights first.
#pragma once

#include <cstdint>

namespace headlight {

inline constexpr std::int64_t kMaxWidth = 1 << 20;   ///< d_model, d_ff
inline constexpr std::int64_t kMaxLayers = 1 << 12;  ///< n_layers
inline constexpr std::int64_t kMaxHeads = 1 << 14;   ///< n_heads
inline constexpr std::int64_t kMaxHeadDim = 1 << 14;
inline constexpr std::int64_t kMaxTokenTypes = 1 << 14;
inline constexpr std::int64_t kMaxSize = 1 << 27;  ///< vocab_size, max_len, token ids

}  // namespace headlight
