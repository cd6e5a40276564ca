#include "kernels/attention/flash/bf16.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/attention/flash/bf16.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/attention/flash/bf16-inl.h"
#include "kernels/attention/flash/units-inl.h"

#if HWY_TARGET == HWY_AVX3

HWY_BEFORE_NAMESPACE();
namespace headlight {
namespace HWY_NAMESPACE {
namespace {

struct PairOperands {
  static constexpr bool kRoundsWeights = true;
  static void PackQueries(const FlashCall& call, FlashScratch& scratch, const FlashTile& tile) {
    PackQueryPairs(call, scratch, tile);
  }
  static void PackKeys(const FlashCall& call, FlashScratch& scratch) {
    PackKeyPairs(call, scratch);
  }
  static void PackValues(const FlashCall& call, FlashScratch& scratch) {
    PackValuePairs(call, scratch);
  }
  template <size_t kWidth>
  static void AttendTile(const FlashCall& call, const TileScores& s, FlashScratch& scratch) {
    AttendPairs<kWidth>(D(), call, s, scratch);
  }
};

void RunFlashBf16(const AttentionProblem& p, const AttentionTensors& tensors) {
  RunUnits<PairOperands>(p, tensors);
}

/// Independent sums, enough to fill two units of latency 6.
constexpr size_t kChains = 12;

/// Repeats sum = step(sum) on kChains sums; returns the seconds it took.
template <class Step>
HWY_INLINE HEADLIGHT_BF16_ATTR double SecondsOf(std::int64_t steps, const Step& step) {
  const D d;
  V sums[kChains];
  for (size_t c = 0; c < kChains; ++c) sums[c] = hn::Set(d, static_cast<float>(c));
  const auto start = std::chrono::steady_clock::now();
  for (std::int64_t i = 0; i < steps; ++i)
#pragma GCC unroll 12
    for (size_t c = 0; c < kChains; ++c) sums[c] = step(sums[c]);
  V total = sums[0];
  for (size_t c = 1; c < kChains; ++c) total = hn::Add(total, sums[c]);
  volatile float kept = hn::GetLane(total);  // the result is used, so the loop stays
  static_cast<void>(kept);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// The two instructions take turns, and the best turn of each counts: the clock may move between
/// them, and other work may come in.
HEADLIGHT_BF16_ATTR double MeasureDotSpeedup() {
  constexpr std::int64_t kSteps = 1000;
  constexpr int kTurns = 8;
  const V half = hn::Set(D(), 0.5f);
  double fma = std::numeric_limits<double>::infinity(), dot = fma;
  for (int i = 0; i < kTurns; ++i) {
    fma = std::min(fma, SecondsOf(kSteps, [&](V sum) HEADLIGHT_BF16_ATTR {
                     return hn::MulAdd(sum, half, half);
                   }));
    dot = std::min(dot, SecondsOf(kSteps, [&](V sum) HEADLIGHT_BF16_ATTR {
                     return DotPairs(half, half, sum);
                   }));
  }
  return 2 * fma / dot;
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace headlight
HWY_AFTER_NAMESPACE();

#endif  // HWY_TARGET == HWY_AVX3

#if HWY_ONCE
namespace headlight {
namespace {

#if HWY_TARGETS & HWY_AVX3

bool has_bf16_dot() {
  return (hwy::SupportedTargets() & HWY_AVX3) != 0 && __builtin_cpu_supports("avx512bf16") != 0;
}
double measure_speedup() {
  return N_AVX3::MeasureDotSpeedup();
}
void run(const AttentionProblem& p, const AttentionTensors& t) {
  N_AVX3::RunFlashBf16(p, t);
}

#else

bool has_bf16_dot() {
  return false;
}
double measure_speedup() {
  return 0;
}
void run(const AttentionProblem&, const AttentionTensors&) {
  fail("attention", "this build has no kernel for VDPBF16PS");
}

#endif

// Reasons are short enough for a string to hold them in place: no call takes memory for them.

std::optional<std::string> declines(const AttentionProblem& p) {
  if (p.dtype != DType::bf16) return fmt::format("q is {}", name_of(p.dtype));
  if (p.kv_dtype != DType::bf16) return fmt::format("k, v are {}", name_of(p.kv_dtype));
  if (p.has(Extra::statistics)) return "statistics";
  if (p.dropout.p > 0) return "dropout";
  if (p.page_len > 0) return "keys in pages";
  if (!has_bf16_dot()) return "no AVX512_BF16";
  return std::nullopt;
}

/// The kernel rounds the weights, which the fp32 one does not: a small gain does not pay for that.
std::optional<std::string> slower(const AttentionProblem&) {
  constexpr double kWorthwhile = 1.25;
  if (bf16_dot_speedup().value_or(0) >= kWorthwhile) return std::nullopt;
  return "fp32 is faster";
}

}  // namespace

std::optional<double> bf16_dot_speedup() {
  if (!has_bf16_dot()) return std::nullopt;
  static const double speedup = measure_speedup();
  return speedup;
}

AttentionKernel attention_flash_bf16() {
  return {.name = "flash_bf16",
          .declines = declines,
          .run = run,
          .isa = []() { return std::string_view("AVX512_BF16"); },
          .slower = slower};
}

}  // namespace headlight
#endif  // HWY_ONCE
