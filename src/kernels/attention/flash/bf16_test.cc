// The kernel on bf16 pairs beyond what every kernel is put through: each tail of a pair, scales
// that are no power of two, and a comparison that notices when it is wrong.
#include "kernels/attention/flash/bf16.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/threads.h"
#include "kernels/attention/ref.h"
#include "kernels/attention/test_support.h"
#include "support/vector_targets.h"

namespace headlight {
namespace {

using testing::AttentionCase;
using testing::AttentionData;

class AttentionFlashBf16 : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!bf16_dot_speedup()) GTEST_SKIP() << "this machine has no AVX512_BF16";
    set_threads(1);
  }
  void TearDown() override { set_threads(0); }
};

void check(const AttentionCase& c) {
  EXPECT_TRUE(testing::kernel_agrees(attention_flash_bf16(), AttentionData(c))) << c.describe();
}

TEST_F(AttentionFlashBf16, OddHeadsAndLengths) {
  for (std::int64_t head_dim = 1; head_dim <= 70; head_dim += head_dim < 20 ? 1 : 7)
    for (const std::int64_t kv_len : {1, 2, 3, 7, 8, 9, 127, 128, 129, 131, 257}) {
      AttentionCase c{.q_len = 1 + (head_dim * kv_len) % 50,
                      .kv_len = kv_len,
                      .n_heads = 2,
                      .n_kv_heads = 1,
                      .head_dim = head_dim,
                      .head_dim_v = 71 - head_dim,
                      .dtype = DType::bf16,
                      .causal = static_cast<Causal>(head_dim % 3),
                      .extras = static_cast<std::uint8_t>(Extra::lse),
                      .strided = head_dim % 2 == 1};
      c.wide_z = kv_len % 2 == 0;
      check(c);
    }
}

TEST_F(AttentionFlashBf16, WindowsThatBeginInsideAPair) {
  for (std::int64_t left = 0; left < 20; ++left)
    for (const bool poison : {false, true})
      check({.q_len = 90,
             .kv_len = 200 + left % 3,
             .head_dim = 16,
             .head_dim_v = 24,
             .dtype = DType::bf16,
             .causal = Causal::bottom_right,
             .window = {left, -1},
             .extras = static_cast<std::uint8_t>(Extra::lse),
             .poison = poison});
}

TEST_F(AttentionFlashBf16, WideScoresKeepTheirPrecision) {
  for (const float spread : {10.0f, 100.0f})
    check({.q_len = 100,
           .kv_len = 290,
           .head_dim = 80,
           .head_dim_v = 80,
           .dtype = DType::bf16,
           .spread = spread,
           .extras = static_cast<std::uint8_t>(Extra::lse)});
}

/// Runs the kernel on keys [0, kv_len - 1): what a pair that lost its partner would give.
AttentionKernel forgets_the_last_key() {
  AttentionKernel kernel = attention_flash_bf16();
  kernel.run = [](const AttentionProblem& problem, const AttentionTensors& tensors) {
    AttentionProblem shorter = problem;
    --shorter.kv_len;
    attention_flash_bf16().run(shorter, tensors);
  };
  return kernel;
}

/// Runs the kernel with the keys' neighbouring elements multiplied by the queries' other ones.
AttentionKernel starts_a_pair_late() {
  AttentionKernel kernel = attention_flash_bf16();
  kernel.run = [](const AttentionProblem& problem, const AttentionTensors& tensors) {
    AttentionTensors t = tensors;
    t.k = TensorView(t.k.as<BFloat16>() + 1, t.k.shape(), t.k.strides());
    AttentionProblem p = problem;
    --p.head_dim;
    attention_flash_bf16().run(p, t);
  };
  return kernel;
}

TEST_F(AttentionFlashBf16, AWrongOneIsNoticed) {
  const AttentionData data({.q_len = 33,
                            .kv_len = 45,
                            .head_dim = 16,
                            .head_dim_v = 16,
                            .dtype = DType::bf16,
                            .extras = static_cast<std::uint8_t>(Extra::lse)});
  EXPECT_TRUE(testing::kernel_agrees(attention_flash_bf16(), data));
  EXPECT_FALSE(testing::kernel_agrees(forgets_the_last_key(), data));
  EXPECT_FALSE(testing::kernel_agrees(starts_a_pair_late(), data));
}

TEST_F(AttentionFlashBf16, RunsWhereItsInstructionIsFastAndIsNamedWhereItIsNot) {
  const AttentionData data({.q_len = 65, .kv_len = 65, .dtype = DType::bf16});
  testing::ActivationBuffer z(DType::bf16, data.q.view().shape(), false);
  AttentionTensors t = data.tensors();
  t.z = z.view();
  const AttentionReport report = attention(t);
  const auto named =
      std::ranges::find(report.declined, "flash_bf16", &AttentionReport::Declined::kernel);
  if (report.kernel != "flash_bf16") {
    ASSERT_NE(named, report.declined.end());
    EXPECT_EQ(named->reason, "fp32 is faster");
    EXPECT_LT(*bf16_dot_speedup(), 1.25);
  }
  EXPECT_EQ(attention(t, {.kernel = "flash_bf16"}).isa, "AVX512_BF16");
}

TEST_F(AttentionFlashBf16, DeclinesWhereItsTargetIsSwitchedOff) {
  const AttentionData data({.q_len = 65, .kv_len = 65, .dtype = DType::bf16});
  testing::ActivationBuffer z(DType::bf16, data.q.view().shape(), false);
  AttentionTensors t = data.tensors();
  t.z = z.view();
  const AttentionProblem problem = attention_problem(t, {});
  for (const VectorTarget& target : vector_targets()) {
    const TargetOverride override(target);
    EXPECT_EQ(attention_flash_bf16().declines(problem).has_value(), target.name != "AVX-512");
  }
}

}  // namespace
}  // namespace headlight
