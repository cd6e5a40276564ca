// Headlight for other programs: tensors, the attention op and its gradients, the multi-head
// attention layer.
#pragma once

#include "core/error.h"
#include "core/tensor.h"
#include "core/threads.h"
#include "kernels/attention/attention.h"
#include "kernels/attention/backward/backward.h"
#include "kernels/attention/pattern.h"
#include "kernels/attention/statistics.h"
#include "model/kv_cache.h"
#include "model/multi_head_attention.h"
#include "model/paged_kv_cache.h"
#include "model/torch_masks.h"
