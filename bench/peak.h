// What the machine can do at most: the floors that every benchmark states its figures against.
#pragma once

#include <cstdint>

namespace headlight::bench {

/// fp32 multiply-adds that `threads` threads sustain in registers, in GFLOP/s (two per
/// multiply-add), on the widest vectors that run-time dispatch finds.
double fma_peak_gflops(int threads);

/// The same over one slice of half a millisecond, to lay between the calls of a benchmark.
double fma_slice_gflops(int threads);

/// e^x computed per second by `threads` threads, in 1e9, with the library's own vector exp.
double exp_rate_gps(int threads);

/// GB/s that `threads` threads read from a buffer of `bytes` (huge pages where large), over and
/// over: a buffer that fits a cache measures that cache.
double read_bandwidth_gbps(int threads, std::int64_t bytes);

/// GB/s counted as read plus written, of the plainest vector pass x := x + 1 over `bytes`.
double update_bandwidth_gbps(int threads, std::int64_t bytes);

}  // namespace headlight::bench
