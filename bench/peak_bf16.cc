#include "peak_bf16.h"

#include <cstdint>

#include "timing.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace headlight::bench {

#if defined(__x86_64__)

namespace {

constexpr std::int64_t kSteps = 200'000;
constexpr int kChains = 12;  // enough for two units of latency 5 or 6

__attribute__((target("avx512f,avx512bf16"))) float dot_run(std::int64_t steps, float start) {
  const __m512bh one = reinterpret_cast<__m512bh>(_mm512_set1_epi16(0x3F80));
  __m512 sums[kChains];
  for (int i = 0; i < kChains; ++i) sums[i] = _mm512_set1_ps(start + static_cast<float>(i));
  for (std::int64_t s = 0; s < steps; ++s)
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) sums[i] = _mm512_dpbf16_ps(sums[i], one, one);
  __m512 total = sums[0];
  for (int i = 1; i < kChains; ++i) total = _mm512_add_ps(total, sums[i]);
  return _mm512_cvtss_f32(total);
}

}  // namespace

bool has_bf16_dot() {
  return __builtin_cpu_supports("avx512bf16") != 0;
}

double bf16_dot_peak_gflops(int threads) {
  float total = 0;
  const double seconds = best_seconds([&] {
#pragma omp parallel num_threads(threads) reduction(+ : total)
    total += dot_run(kSteps, total);  // depends on the run before, so none can be left out
  });
  volatile float kept = total;
  static_cast<void>(kept);
  return 64.0 * kChains * static_cast<double>(kSteps) * threads / seconds * 1e-9;
}

#else

bool has_bf16_dot() {
  return false;
}
double bf16_dot_peak_gflops(int) {
  return 0;
}

#endif

}  // namespace headlight::bench
