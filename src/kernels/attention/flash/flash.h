// The tiled attention kernel with an online softmax.
#pragma once

#include "kernels/attention/attention.h"

namespace headlight {

/// Scores a tile at a time and folds each into a running softmax, so that no row of the pattern is
/// ever whole in memory (Milakov & Gimelshein 2018; Dao et al. 2022, algorithm 1). Working memory
/// is a fixed amount per thread. Results under the smallest normal fp32 number count as zero.
AttentionKernel attention_flash();

}  // namespace headlight
