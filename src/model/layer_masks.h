// Masks and biases of a layer call, made to fit all the keys that attention sees.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "core/tensor.h"
#include "model/multi_head_attention_impl.h"

namespace headlight {

/// The keys of every batch entry: `added` ones first, then `own`, of which the first lengths[b]
/// count (all when empty).
struct LayerKeys {
  std::int64_t batch = 1, added = 0, own = 0;
  std::span<const std::int64_t> lengths = {};
  /// Where the mask has to say what causal and window would: query i of q_len, which stands at own
  /// key i + own - q_len, sees none more than `reach` past that.
  struct Positions {
    std::int64_t q_len, reach;
  };
  std::optional<Positions> positions = {};

  bool hides() const { return !lengths.empty() || positions; }
};

/// `mask` [B, H, Tq, own] or broadcast, or empty, with the added keys visible and the padding
/// hidden. `mask` itself when neither changes anything; else in `storage`.
TensorView layer_mask(TensorView mask, const LayerKeys& keys, GrowingBuffer<std::uint8_t>& storage);
/// `bias` of such a shape, with 0 for the added keys.
TensorView layer_bias(TensorView bias, const LayerKeys& keys, GrowingBuffer<float>& storage);

}  // namespace headlight
