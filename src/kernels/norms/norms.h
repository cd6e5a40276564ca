// LayerNorm and RMSNorm over the last dimension, row by row.
#pragma once

#include "core/tensor.h"

namespace headlight {

/// y = (x - mean) / sqrt(var + eps) * weight + bias (Ba et al. 2016). x, y: fp32 [rows, d], may be
/// the same memory; weight, bias: [d], bias may be empty. d >= 1; no rows is no work. Values whose
/// squares overflow fp32 (beyond about 1e19) give 0 or not-a-number, as in any fp32 norm.
void layer_norm(TensorView x, TensorView weight, TensorView bias, float eps, MutableTensorView y);
/// y = x / sqrt(mean(x^2) + eps) * weight (Zhang & Sennrich 2019).
void rms_norm(TensorView x, TensorView weight, float eps, MutableTensorView y);

/// The same in plain loops with double accumulation.
void layer_norm_ref(TensorView x, TensorView weight, TensorView bias, float eps,
                    MutableTensorView y);
void rms_norm_ref(TensorView x, TensorView weight, float eps, MutableTensorView y);

}  // namespace headlight
