#include "peak.h"

#include <omp.h>

#include <algorithm>
#include <cstddef>

#include "core/tensor.h"
#include "timing.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "peak.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace headlight::bench {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// Chains of dependent multiply-adds: enough of them to fill every pipeline (latency 4, two units,
// so at least 8), few enough to stay in 16 registers.
constexpr std::size_t kChains = 12;

// Returns the floating-point operations done; the sum of the chains goes to `sink`.
double FmaRun(std::int64_t steps, float* sink) {
  const D d;
  const V a = hn::Set(d, sink[0]), b = hn::Set(d, sink[1]);
  // Equal chains would be merged by the compiler, so each starts somewhere else.
  const auto start = [&](float i) HWY_ATTR { return hn::Set(d, sink[0] + i); };
  V c0 = start(0), c1 = start(1), c2 = start(2), c3 = start(3), c4 = start(4), c5 = start(5);
  V c6 = start(6), c7 = start(7), c8 = start(8), c9 = start(9), c10 = start(10), c11 = start(11);
  for (std::int64_t i = 0; i < steps; ++i) {
    c0 = hn::MulAdd(c0, a, b), c1 = hn::MulAdd(c1, a, b), c2 = hn::MulAdd(c2, a, b);
    c3 = hn::MulAdd(c3, a, b), c4 = hn::MulAdd(c4, a, b), c5 = hn::MulAdd(c5, a, b);
    c6 = hn::MulAdd(c6, a, b), c7 = hn::MulAdd(c7, a, b), c8 = hn::MulAdd(c8, a, b);
    c9 = hn::MulAdd(c9, a, b), c10 = hn::MulAdd(c10, a, b), c11 = hn::MulAdd(c11, a, b);
  }
  const V low = hn::Add(hn::Add(hn::Add(c0, c1), hn::Add(c2, c3)), hn::Add(c4, c5));
  const V high = hn::Add(hn::Add(hn::Add(c6, c7), hn::Add(c8, c9)), hn::Add(c10, c11));
  sink[2] = hn::GetLane(hn::SumOfLanes(d, hn::Add(low, high)));
  return 2.0 * static_cast<double>(steps) * static_cast<double>(kChains * hn::Lanes(d));
}

// Sums e^x over x; returns the sum so that the work stays.
float ExpRun(const float* x, std::size_t n) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  V s0 = hn::Zero(d), s1 = s0;
  for (std::size_t i = 0; i + 2 * lanes <= n; i += 2 * lanes) {
    s0 = hn::Add(s0, headlight::HWY_NAMESPACE::Exp(d, hn::Load(d, x + i)));
    s1 = hn::Add(s1, headlight::HWY_NAMESPACE::Exp(d, hn::Load(d, x + i + lanes)));
  }
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(s0, s1)));
}

float ReadRun(const float* x, std::size_t n) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  V s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0;
  for (std::size_t i = 0; i + 4 * lanes <= n; i += 4 * lanes) {
    s0 = hn::Add(s0, hn::Load(d, x + i));
    s1 = hn::Add(s1, hn::Load(d, x + i + lanes));
    s2 = hn::Add(s2, hn::Load(d, x + i + 2 * lanes));
    s3 = hn::Add(s3, hn::Load(d, x + i + 3 * lanes));
  }
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(s0, s1), hn::Add(s2, s3))));
}

void UpdateRun(float* x, std::size_t n) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  const V one = hn::Set(d, 1.0f);
  for (std::size_t i = 0; i + lanes <= n; i += lanes)
    hn::Store(hn::Add(hn::Load(d, x + i), one), d, x + i);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace headlight::bench
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace headlight::bench {
namespace {

HWY_EXPORT(FmaRun);
HWY_EXPORT(ExpRun);
HWY_EXPORT(ReadRun);
HWY_EXPORT(UpdateRun);

// Each thread's share of a buffer starts on a cache line.
constexpr std::int64_t kFloatsPerLine = 16;

template <class Body>
double gbps(int threads, std::int64_t bytes, double passes, const Body& body) {
  const std::int64_t share = bytes / 4 / threads / kFloatsPerLine * kFloatsPerLine;
  Tensor buffer({std::max(share, kFloatsPerLine) * threads});
  float* data = buffer.span<float>().data();
  const double seconds = best_seconds([&] {
#pragma omp parallel num_threads(threads)
    body(data + omp_get_thread_num() * share, static_cast<std::size_t>(share));
  });
  return passes * static_cast<double>(share * threads * 4) / seconds * 1e-9;
}

}  // namespace

double fma_slice_gflops(int threads) {
  constexpr std::int64_t kSteps = 200'000;
  double flops = 0;
  const double seconds = seconds_of([&] {
#pragma omp parallel num_threads(threads) reduction(+ : flops)
    {
      // 0.5 c + 1 tends to 2 and stays there: no overflow, no subnormals.
      float sink[3] = {0.5f, 1.0f, 0.0f};
      flops += HWY_DYNAMIC_DISPATCH(FmaRun)(kSteps, sink);
      volatile float kept = sink[2];  // the loop's result is used, so the loop stays
      static_cast<void>(kept);
    }
  });
  return flops / seconds * 1e-9;
}

double fma_peak_gflops(int threads) {
  constexpr double kBudget = 0.3;  // seconds; short slices: the best one meets no other work
  double best = 0;
  const double end = now_seconds() + kBudget;
  do best = std::max(best, fma_slice_gflops(threads));
  while (now_seconds() < end);
  return best;
}

double exp_rate_gps(int threads) {
  constexpr std::int64_t kBytes = 16 << 10;  // inside L1
  constexpr int kPasses = 100;
  // gbps counts 4 bytes a value, in each of the passes.
  return gbps(threads, kBytes * threads, kPasses,
              [](const float* x, std::size_t n) {
                for (int i = 0; i < kPasses; ++i) {
                  volatile float kept = HWY_DYNAMIC_DISPATCH(ExpRun)(x, n);
                  static_cast<void>(kept);
                }
              }) /
         4;
}

double read_bandwidth_gbps(int threads, std::int64_t bytes) {
  return gbps(threads, bytes, 1, [](const float* x, std::size_t n) {
    volatile float kept = HWY_DYNAMIC_DISPATCH(ReadRun)(x, n);
    static_cast<void>(kept);
  });
}

double update_bandwidth_gbps(int threads, std::int64_t bytes) {
  return gbps(threads, bytes, 2, [](float* x, std::size_t n) {
    HWY_DYNAMIC_DISPATCH(UpdateRun)(x, n);
  });
}

}  // namespace headlight::bench
#endif  // HWY_ONCE
