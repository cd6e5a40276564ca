// Attention over keys in pages, for kernels that want them in one piece.
#pragma once

#include "kernels/attention/attention.h"

namespace headlight {

/// Copies the keys and values of one batch entry after the other out of their pages and runs the
/// tiled kernel on them, or the reference where that declines. For many queries the copy costs
/// little beside the products.
AttentionKernel attention_gather();

}  // namespace headlight
