// How often a call of the op takes memory: its own program, since operator new is replaced.
#include <gtest/gtest.h>

#include "core/threads.h"
#include "kernels/attention/attention.h"
#include "support/count_allocations.h"

namespace headlight {
namespace {

using testing::allocations_of;

constexpr std::int64_t kHeads = 8, kHeadDim = 64;

/// How often a second call on these lengths takes memory.
int allocations_again(std::int64_t q_len, std::int64_t kv_len, DType kv) {
  const Tensor q({1, q_len, kHeads, kHeadDim});
  const Tensor k(kv, {1, kv_len, kHeads, kHeadDim}), v(kv, {1, kv_len, kHeads, kHeadDim});
  Tensor z({1, q_len, kHeads, kHeadDim}), lse({1, kHeads, q_len});
  const AttentionTensors tensors{.q = q, .k = k, .v = v, .z = z, .lse = lse};
  const AttentionOptions options{.causal = Causal::bottom_right};
  attention(tensors, options);
  return allocations_of([&] { attention(tensors, options); });
}

class OneThread : public ::testing::Test {
 protected:
  void SetUp() override { set_threads(1); }
  void TearDown() override { set_threads(0); }
};
using AttentionAllocations = OneThread;

TEST_F(AttentionAllocations, NoneAfterTheFirstCall) {
  for (const DType kv : {DType::f32, DType::bf16, DType::f16})
    for (const std::int64_t length : {1, 2, 8, 9, 16, 17, 48, 64, 300})
      EXPECT_EQ(allocations_again(length, length, kv), 0) << length << " of " << name_of(kv);
}

TEST_F(AttentionAllocations, NoneWhenDecoding) {
  for (const DType kv : {DType::f32, DType::bf16, DType::f16, DType::i8})
    for (const std::int64_t q_len : {1, 4, 8})
      EXPECT_EQ(allocations_again(q_len, 3000, kv), 0) << q_len << " of " << name_of(kv);
}

TEST_F(AttentionAllocations, AreCounted) {
  EXPECT_GT(allocations_of([] { const Tensor t({3}); }), 0);
}

}  // namespace
}  // namespace headlight
