// Every attention kernel against the reference, on every instruction set, over a swept grid.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <random>

#include "core/threads.h"
#include "kernels/attention/attention.h"
#include "kernels/attention/flash/bf16.h"
#include "kernels/attention/ref.h"
#include "kernels/attention/test_support.h"
#include "support/tolerance.h"
#include "support/vector_targets.h"

namespace headlight {
namespace {

using testing::AttentionCase;
using testing::AttentionData;
using testing::AttentionOutput;

std::uint8_t bits(std::initializer_list<Extra> extras) {
  std::uint8_t out = 0;
  for (const Extra e : extras) out = static_cast<std::uint8_t>(out | static_cast<std::uint8_t>(e));
  return out;
}

/// The naive method must itself be close, or the tolerance it sets means nothing.
void expect_naive_is_close(const AttentionData& data, const AttentionOutput& naive,
                           const AttentionOutput& reference) {
  const double precision = data.shape.dtype == DType::f32 ? 1e-5 : 2e-2;
  const double scale = 1 + data.shape.spread * data.shape.spread;
  EXPECT_LT(testing::largest_error(naive.z, reference.z), precision * scale);
  EXPECT_LT(testing::largest_error(naive.lse, reference.lse), precision * scale);
}

/// The instruction sets that a case runs on: the two that ship fast, or all with a fallback.
enum class Targets : std::uint8_t { fast, all };

std::vector<VectorTarget> targets_of(Targets which) {
  std::vector<VectorTarget> out = vector_targets();
  if (which == Targets::fast)
    std::erase_if(out,
                  [](const VectorTarget& t) { return t.name != "AVX2" && t.name != "AVX-512"; });
  return out;
}

/// Small problems run faster on one thread, above all on a busy machine.
class Threads {
 public:
  explicit Threads(int n) { set_threads(n); }
  ~Threads() { set_threads(0); }
};

/// What a kernel that does not take every storage takes.
DType storage_of(const AttentionKernel& kernel) {
  return kernel.name == "flash_bf16" ? DType::bf16 : DType::f32;
}

/// Whether this processor has the kernel's instructions.
bool runs_here(const AttentionKernel& kernel) {
  return kernel.name != "flash_bf16" || bf16_dot_speedup().has_value();
}

/// Holds every kernel that accepts the case to the reference.
void check_every_kernel(const AttentionCase& c, Targets which = Targets::all) {
  SCOPED_TRACE(c.describe());
  const AttentionData data(c);
  const AttentionOutput reference = testing::run_reference(data);
  const AttentionOutput naive = testing::run_naive(data, reference);
  expect_naive_is_close(data, naive, reference);
  AttentionTensors tensors = data.tensors();
  for (const AttentionKernel& kernel : attention_kernels()) {
    if (kernel.name == "ref" && c.dtype == DType::f32 && !c.kv_dtype) continue;
    testing::ActivationBuffer z(c.stored_z(), {c.batch, c.q_len, c.n_heads, c.head_dim_v}, false);
    tensors.z = z.view();
    const AttentionProblem problem = attention_problem(tensors, data.options());
    const bool rounds = testing::pattern_type(kernel) != DType::f32;
    if (rounds && kernel.declines(problem)) continue;
    const AttentionOutput own =
        rounds ? testing::run_naive(data, reference, testing::pattern_type(kernel))
               : AttentionOutput();
    for (const VectorTarget& target : targets_of(which)) {
      const TargetOverride override(target);
      if (kernel.declines(problem)) continue;
      EXPECT_TRUE(
          testing::agrees(testing::run_kernel(kernel, data), rounds ? own : naive, reference))
          << kernel.name << " on " << target.name;
    }
  }
}

#ifdef __SANITIZE_ADDRESS__
constexpr std::int64_t kOfPairs = 31;  // a prime: every tail of either length, if not of both
#else
constexpr std::int64_t kOfPairs = 5;
#endif

TEST(Attention, TailsOfEveryLength) {
  const Threads one(1);
  const std::int64_t head_dims[] = {8, 5, 16, 9};
  for (std::int64_t q_len = 1; q_len <= 130; ++q_len)
    for (std::int64_t kv_len = 1; kv_len <= 130; ++kv_len) {
      if ((7 * q_len + 3 * kv_len) % kOfPairs != 0) continue;
      const std::int64_t head_dim = head_dims[(q_len + kv_len) % 4];
      check_every_kernel({.q_len = q_len,
                          .kv_len = kv_len,
                          .n_heads = 4,
                          .n_kv_heads = 2,
                          .head_dim = head_dim,
                          .head_dim_v = head_dim,
                          .causal = static_cast<Causal>(q_len % 3),
                          .extras = bits({Extra::lse})},
                         kv_len % 8 == 0 ? Targets::all : Targets::fast);
      if (HasFailure()) return;
    }
}

/// Draws each choice of a case from a list.
class CaseDrawer {
 public:
  explicit CaseDrawer(std::uint32_t seed) : random_(seed) {}

  AttentionCase draw() {
    AttentionCase c;
    c.seed = static_cast<std::uint32_t>(random_());
    c.batch = pick({1, 1, 1, 2});
    c.n_kv_heads = pick({1, 1, 2, 3});
    c.n_heads = c.n_kv_heads * pick({1, 1, 2, 4});
    c.head_dim = pick({8, 1, 7, 16, 31, 33, 40, 48, 64, 64, 72, 80, 96, 100, 128, 160, 255, 256});
    c.head_dim_v = pick({0, 0, 0, 1, 12, 24, 65}) != 0 ? pick({1, 12, 24, 65, 100}) : c.head_dim;
    c.q_len = pick({1, 2, 15, 16, 17, 24, 47, 48, 49, 64, 97, 130});
    c.kv_len = pick({1, 3, 8, 17, 63, 64, 65, 127, 128, 129, 200, 257, 300});
    c.dtype = static_cast<DType>(pick({0, 0, 0, 1, 2}));
    if (pick({0, 0, 1}) == 1)
      c.kv_dtype = std::array{DType::f32, DType::bf16, DType::f16, DType::i8}[random_() % 4];
    c.wide_z = pick({0, 0, 1}) == 1;
    c.causal = static_cast<Causal>(pick({0, 1, 2}));
    if (pick({0, 0, 1}) == 1) c.window = {pick({-1, 0, 5, 40}), pick({-1, 0, 3, 150})};
    c.softcap = static_cast<float>(pick({0, 0, 0, 1, 30}));
    c.spread = static_cast<float>(pick({1, 1, 3, 8}));
    for (int bit = 1; bit <= 32; bit *= 2)
      if (pick({0, 0, 1}) == 1) c.extras = static_cast<std::uint8_t>(c.extras | bit);
    c.broadcast = pick({0, 0, 1}) == 1;
    c.strided = pick({0, 1}) == 1;
    // Weights that vanish in fp32 but not in double would meet the infinities differently.
    c.poison =
        pick({0, 0, 1}) == 1 && c.spread == 1 && !c.has(Extra::alibi) && c.stored_kv() != DType::i8;
    const auto work = [&] {
      return c.batch * c.n_heads * c.q_len * c.kv_len * (c.head_dim + c.head_dim_v);
    };
    while (work() > 2'000'000 && c.q_len > 1) c.q_len /= 2;
    while (work() > 1'000'000 && c.n_kv_heads > 1) c.n_heads = c.n_kv_heads = 1;
    return c;
  }

 private:
  std::int64_t pick(std::initializer_list<std::int64_t> choices) {
    return choices.begin()[random_() % choices.size()];
  }
  std::mt19937 random_;
};

TEST(Attention, DrawnFromTheCrossProduct) {
  CaseDrawer drawer(2024);
  const Threads one(1);
  for (int i = 0; i < 400 && !HasFailure(); ++i)
    check_every_kernel(drawer.draw(), i % 20 == 0 ? Targets::all : Targets::fast);
}

TEST(Attention, LargeProblems) {
  const AttentionCase plain{.q_len = 300,
                            .kv_len = 600,
                            .n_heads = 2,
                            .n_kv_heads = 1,
                            .head_dim = 64,
                            .head_dim_v = 64,
                            .extras = bits({Extra::lse})};
  AttentionCase causal = plain;
  causal.causal = Causal::bottom_right;
  AttentionCase windowed = causal;
  windowed.window = {300, -1};
  AttentionCase wide = plain;
  wide.head_dim = wide.head_dim_v = 256;
  AttentionCase full = causal;
  full.extras = 0x3F;
  full.softcap = 20;
  const Threads several(3);
  for (const AttentionCase& c : {plain, causal, windowed, wide, full})
    check_every_kernel(c, Targets::fast);
}

TEST(Attention, WideScoresKeepTheirPrecision) {
  for (const float spread : {30.0f, 300.0f})
    check_every_kernel({.q_len = 130,
                        .kv_len = 290,
                        .n_heads = 4,
                        .n_kv_heads = 2,
                        .head_dim = 64,
                        .head_dim_v = 64,
                        .spread = spread,
                        .extras = bits({Extra::lse})});
}

TEST(Attention, RowsWithoutKeysAreZero) {
  // bottom_right with more queries than keys: the first ones see nothing.
  AttentionCase c{.q_len = 60,
                  .kv_len = 20,
                  .head_dim = 16,
                  .head_dim_v = 16,
                  .causal = Causal::bottom_right,
                  .extras = bits({Extra::lse, Extra::sinks})};
  check_every_kernel(c);
  for (const AttentionKernel& kernel : attention_kernels()) {
    c.dtype = storage_of(kernel);
    const AttentionData data(c);
    if (!runs_here(kernel)) continue;
    const AttentionOutput out = testing::run_kernel(kernel, data);
    for (std::size_t i = 0; i < 40; ++i) {
      EXPECT_EQ(out.lse[i], -std::numeric_limits<float>::infinity());
      for (std::size_t e = 0; e < 16; ++e) EXPECT_EQ(out.z[i * 16 + e], 0.0f);
    }
    EXPECT_TRUE(std::isfinite(out.lse[40]));
  }
}

TEST(Attention, MaskedPoisonIsNotFelt) {
  // Only the last query may see the last key: every other row must stay finite.
  AttentionCase c{.q_len = 100,
                  .kv_len = 100,
                  .head_dim = 32,
                  .head_dim_v = 32,
                  .causal = Causal::top_left,
                  .extras = bits({Extra::lse})};
  for (const AttentionKernel& kernel : attention_kernels()) {
    c.dtype = storage_of(kernel);
    AttentionData data(c);
    if (!runs_here(kernel)) continue;
    for (std::int64_t e = 0; e < 32; ++e) {
      data.k.set(0, 99, 0, e, std::numeric_limits<float>::quiet_NaN());
      data.v.set(0, 99, 0, e, std::numeric_limits<float>::infinity());
    }
    testing::on_every_target([&] {
      const AttentionOutput out = testing::run_kernel(kernel, data);
      const auto finite = [](float x) { return std::isfinite(x); };
      EXPECT_TRUE(std::all_of(out.z.begin(), out.z.begin() + 99 * 32, finite)) << kernel.name;
      EXPECT_TRUE(std::isnan(out.z[99 * 32])) << kernel.name;
    });
  }
}

TEST(Attention, NothingToDo) {
  check_every_kernel({.q_len = 0, .kv_len = 5});
  check_every_kernel({.q_len = 5, .kv_len = 0, .extras = bits({Extra::lse})});
  check_every_kernel({.batch = 0, .q_len = 5, .kv_len = 5});
}

TEST(Attention, RunsOnAvx512) {
  const auto targets = vector_targets();
  const auto has = [&](std::string_view name) {
    return std::ranges::find(targets, name, &VectorTarget::name) != targets.end();
  };
  EXPECT_TRUE(has("AVX2"));
  if (!has("AVX-512")) GTEST_SKIP() << "this machine has no AVX-512";
  for (const VectorTarget& target : targets) {
    const TargetOverride override(target);
    const auto flash = std::ranges::find(attention_kernels(), "flash", &AttentionKernel::name);
    EXPECT_EQ(flash->isa(), target.name);
  }
}

TEST(Attention, ASinkFarAboveEveryScoreTakesTheRowAndKeepsItsLse) {
  for (const AttentionKernel& kernel : attention_kernels()) {
    Tensor q(storage_of(kernel), {1, 3, 1, 8}), z({1, 3, 1, 8}), lse({1, 1, 3});
    const std::array<float, 1> sinks{1000.0f};
    AttentionTensors tensors;
    tensors.q = tensors.k = tensors.v = q;
    tensors.sinks = sinks;
    tensors.z = z;
    tensors.lse = lse;
    if (kernel.declines(attention_problem(tensors, {}))) continue;
    AttentionOptions options;
    options.kernel = kernel.name;
    attention(tensors, options);
    for (const float x : z.span<float>()) EXPECT_EQ(x, 0.0f) << kernel.name;
    for (const float x : lse.span<float>()) EXPECT_EQ(x, 1000.0f) << kernel.name;
  }
}

TEST(Attention, AHeadSwitchedOffGivesZerosWhateverItsValuesHold) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const AttentionKernel& kernel : attention_kernels()) {
    Tensor q({1, 60, 2, 8}), v({1, 60, 2, 8}), z({1, 60, 2, 8}), lse({1, 2, 60});
    std::ranges::fill(q.span<float>(), 0.5f);
    std::ranges::fill(v.span<float>(), nan);
    const std::array<float, 2> gates{0.0f, 1.0f};
    AttentionTensors tensors{.q = q, .k = q, .v = v, .head_gate = gates, .z = z};
    AttentionOptions options{.kernel = kernel.name};
    if (kernel.declines(attention_problem(tensors, options))) continue;
    for (const bool ask : {false, true}) {
      if (ask) tensors.lse = lse;
      std::ranges::fill(z.span<float>(), 7.0f);
      attention(tensors, options);
      for (std::size_t i = 0; i < z.span<float>().size(); ++i) {
        const bool off = i / 8 % 2 == 0;
        EXPECT_EQ(off ? z.span<float>()[i] == 0 : std::isnan(z.span<float>()[i]), true);
      }
    }
    // Every score is 8 * 0.25 / sqrt(8), of 60 keys.
    for (const float x : lse.span<float>())
      EXPECT_NEAR(x, 2 / std::sqrt(8.0) + std::log(60.0), 1e-5) << kernel.name;
  }
}

}  // namespace
}  // namespace headlight
