// What a layer call must look like before anything of it is computed.
#pragma once

#include "model/layer_cache.h"
#include "model/multi_head_attention.h"

namespace headlight {

/// Checks a call whose key and value are filled in. Throws Error("layer", ...) naming both shapes.
void check_layer_call(const MultiHeadAttentionConfig& config, const LayerInputs& inputs,
                      const LayerCache& cache, MutableTensorView out, const LayerOptions& options);

/// Checks what append_keys() is given; its query has no tokens.
void check_layer_append(const MultiHeadAttentionConfig& config, const LayerInputs& inputs,
                        const LayerCache& cache);

/// A backward call and the forward call it is to undo.
struct LayerBackwardCall {
  const LayerInputs& inputs;  ///< filled in
  const LayerInputs& named;   ///< as the caller gave them
  Shape recorded_query, recorded_key;
};
void check_layer_backward(const MultiHeadAttentionConfig& config, const LayerBackwardCall& call,
                          const LayerGradients& gradients, const LayerOptions& options);

}  // namespace headlight
