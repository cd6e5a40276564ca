// What one attention layer of given dimensions is made of, and how long it takes on this machine.
#pragma once

#include <cstdint>
#include <vector>

#include "io/json.h"
#include "model/attention_config.h"

namespace headlight::app {

/// Bounds of what the lab times: the weights stay under 256 MiB, one call under a few seconds.
inline constexpr std::int64_t kMostTimedWidth = 2048;
inline constexpr std::int64_t kMostTimedLength = 8192;
inline constexpr double kMostTimedFlops = 5e10;

/// A causal self-attention layer with biases, over one text.
struct LayerDimensions {
  std::int64_t d_model = 0, n_heads = 0, n_kv_heads = 0;
  std::int64_t length = 0;  ///< tokens of the text
};

/// Numbers in the layer's weights and biases.
std::int64_t layer_parameters(const MultiHeadAttentionConfig& resolved);
/// Floating-point operations of `queries` tokens at the end of `length`: projections, scores and
/// weighted sums; a multiply and an add are two. Softmax is left out, as is usual.
double layer_flops(const MultiHeadAttentionConfig& resolved, std::int64_t queries,
                   std::int64_t length);

/// LayerTime of the HTTP API. Runs the layer a few times with random weights. Throws
/// Error("layer", ...) when the dimensions do not fit each other, with the nearest that do, and
/// Error("layer_time", ...) when they are over the bounds.
Json time_layer(const LayerDimensions& dimensions);

}  // namespace headlight::app
