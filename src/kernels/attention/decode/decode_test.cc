// What the sweep over all kernels does not reach: several splits, every storage, any threads.
#include "kernels/attention/decode/decode.h"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "core/threads.h"
#include "kernels/attention/decode/plan.h"
#include "kernels/attention/test_support.h"
#include "support/vector_targets.h"

namespace headlight {
namespace {

using testing::AttentionCase;
using testing::AttentionData;
using testing::AttentionOutput;

constexpr std::uint8_t kAllExtras = 0x3F;

AttentionCase long_case(std::int64_t kv_len) {
  return {.q_len = 2,
          .kv_len = kv_len,
          .n_heads = 4,
          .n_kv_heads = 2,
          .head_dim = 40,
          .head_dim_v = 24,
          .causal = Causal::bottom_right,
          .extras = static_cast<std::uint8_t>(Extra::lse)};
}

TEST(AttentionDecode, AgreesOverSeveralSplits) {
  for (const std::int64_t kv_len : {kDecodeSplit - 1, kDecodeSplit, kDecodeSplit + 1,
                                    2 * kDecodeSplit + 63, 3 * kDecodeSplit + 65}) {
    AttentionCase c = long_case(kv_len);
    EXPECT_TRUE(testing::kernel_agrees(attention_decode(), AttentionData(c))) << c.describe();
    c.extras = kAllExtras;
    c.softcap = 20;
    EXPECT_TRUE(testing::kernel_agrees(attention_decode(), AttentionData(c))) << c.describe();
    c.window = {kDecodeSplit + 100, 0};
    EXPECT_TRUE(testing::kernel_agrees(attention_decode(), AttentionData(c))) << c.describe();
  }
}

TEST(AttentionDecode, ReadsEveryStorage) {
  for (const DType kv : {DType::f32, DType::bf16, DType::f16, DType::i8})
    for (const std::int64_t head_dim : {1, 15, 16, 17, 31, 33, 64, 80, 100, 128})
      for (const std::uint8_t extras : {std::uint8_t{0}, kAllExtras}) {
        AttentionCase c = long_case(130);
        c.head_dim = c.head_dim_v = head_dim;
        c.kv_dtype = kv;
        c.extras = extras;
        c.strided = head_dim % 2 == 1;
        const AttentionData data(c);
        const AttentionOutput reference = testing::run_reference(data);
        const AttentionOutput naive = testing::run_naive(data, reference);
        testing::on_every_target([&] {
          const AttentionOutput fast = testing::run_kernel(attention_decode(), data);
          EXPECT_TRUE(testing::agrees(fast, naive, reference)) << c.describe();
        });
        if (HasFailure()) return;
      }
}

TEST(AttentionDecode, RowsOfEveryNumber) {
  for (std::int64_t q_len = 1; q_len <= kDecodeQueries; ++q_len)
    for (const std::int64_t group : {1, 3, 16}) {
      AttentionCase c = long_case(70);
      c.q_len = q_len;
      c.n_heads = c.n_kv_heads * group;
      EXPECT_TRUE(testing::kernel_agrees(attention_decode(), AttentionData(c))) << c.describe();
    }
}

TEST(AttentionDecode, GivesTheSameBitsOnAnyNumberOfThreads) {
  for (const bool strided : {false, true}) {
    AttentionCase c = long_case(4 * kDecodeSplit + 17);
    c.batch = 2;
    c.n_kv_heads = c.n_heads = 8;
    c.strided = strided;
    const AttentionData data(c);
    set_threads(1);
    const AttentionOutput one = testing::run_kernel(attention_decode(), data);
    for (const int threads : {2, 3}) {
      set_threads(threads);
      const AttentionOutput several = testing::run_kernel(attention_decode(), data);
      EXPECT_EQ(0, std::memcmp(one.z.data(), several.z.data(), one.z.size() * sizeof(float)));
      EXPECT_EQ(one.lse, several.lse);
    }
    set_threads(0);
  }
}

TEST(AttentionDecode, AMaskedKeyIsNotFeltWhateverItHolds) {
  AttentionCase c = long_case(kDecodeSplit + 40);
  c.q_len = 3;
  const AttentionData clean(c);
  AttentionData data(c);
  for (std::int64_t g = 0; g < c.n_kv_heads; ++g) {  // only the last query sees the last key
    data.k.set(0, c.kv_len - 1, g, 5, std::numeric_limits<float>::quiet_NaN());
    data.v.set(0, c.kv_len - 1, g, 7, std::numeric_limits<float>::infinity());
  }
  testing::on_every_target([&] {
    const AttentionOutput want = testing::run_kernel(attention_decode(), clean);
    const AttentionOutput got = testing::run_kernel(attention_decode(), data);
    const auto seen = static_cast<std::size_t>((c.q_len - 1) * c.n_heads * c.head_dim_v);
    for (std::size_t i = 0; i < seen; ++i) EXPECT_NEAR(got.z[i], want.z[i], 1e-6);
    EXPECT_TRUE(std::isnan(got.z[seen]));
  });
}

TEST(AttentionDecode, DeclinesWhatIsNotADecode) {
  AttentionProblem p{.q_len = kDecodeQueries, .kv_len = 9, .n_heads = 32, .n_kv_heads = 2};
  EXPECT_EQ(attention_decode().declines(p), std::nullopt);
  p.n_heads = 34;
  EXPECT_EQ(attention_decode().declines(p), "136 rows > 128");
  ++p.q_len;
  EXPECT_EQ(attention_decode().declines(p), "q_len 9 > 8");
}

}  // namespace
}  // namespace headlight
