// What a layer call must look like before anything of it is computed.
#pragma once

#include "model/multi_head_attention.h"

namespace headlight {

/// Checks a call whose key and value are filled in. Throws Error("layer", ...) naming both shapes.
void check_layer_call(const MultiHeadAttentionConfig& config, const LayerInputs& inputs,
                      const KvCache* cache, MutableTensorView out, const LayerOptions& options);

}  // namespace headlight
