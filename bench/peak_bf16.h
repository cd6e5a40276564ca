// The peak of VDPBF16PS, which Highway 1.0.3 does not know.
#pragma once

namespace headlight::bench {

bool has_bf16_dot();
/// GFLOP/s of bf16 pair products summed in fp32 (four operations per fp32 lane). Needs
/// has_bf16_dot().
double bf16_dot_peak_gflops(int threads);

}  // namespace headlight::bench
