// The tiled attention kernel on bf16 pair products.
#pragma once

#include "kernels/attention/attention.h"

namespace headlight {

/// As attention_flash(), but q, k and v stay bf16 and meet in VDPBF16PS, two multiply-adds for each
/// fp32 lane; weights are rounded to bf16 before they meet v. Sums, lse and the output's division
/// are fp32. Passed over, unless forced by name, where the machine runs that instruction too
/// slowly to beat fp32 (see bf16_dot_speedup()).
AttentionKernel attention_flash_bf16();

/// Multiply-adds that VDPBF16PS does here in the time of one on fp32 vectors of the same width;
/// nullopt where there is no such instruction. Zen 4 and later: about 2. Measured once per process,
/// in about 0.1 ms.
std::optional<double> bf16_dot_speedup();

}  // namespace headlight
