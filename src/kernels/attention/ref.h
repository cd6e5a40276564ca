// The reference attention kernel.
#pragma once

#include "kernels/attention/attention.h"

namespace headlight {

/// Plain loops in double; accepts everything. The oracle of every other kernel.
AttentionKernel attention_ref();

}  // namespace headlight
