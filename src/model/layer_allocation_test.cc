// How often a call of the layer takes memory: its own program, since operator new is replaced.
#include <gtest/gtest.h>

#include "core/threads.h"
#include "kernels/matmul/matmul.h"
#include "model/layer_test_support.h"
#include "support/count_allocations.h"

namespace headlight {
namespace {

using testing::allocations_of;
using testing::random_layer;
using testing::random_tensor;

// One thread, as the layer itself decides for so little work.
class Allocations : public ::testing::TestWithParam<std::int64_t> {
 protected:
  void SetUp() override { set_threads(1); }
  void TearDown() override { set_threads(0); }
};

TEST_P(Allocations, NoneAfterTheFirstCall) {
  const std::int64_t length = GetParam();
  MultiHeadAttention layer = random_layer({.d_model = 64,
                                           .n_heads = 4,
                                           .n_kv_heads = 2,
                                           .rotary = RotaryConfig{},
                                           .qk_norm_eps = 1e-6f,
                                           .causal = Causal::bottom_right});
  const Tensor x = random_tensor({1, length, 64}, 2);
  Tensor out({1, length, 64}), lse({1, 4, length});
  const LayerOptions options{.requests = {.lse = lse}};
  const int first = allocations_of([&] { layer.forward(x, out, options); });
  const int again = allocations_of([&] { layer.forward(x, out, options); });
  EXPECT_EQ(again, 0);
  EXPECT_GT(first, 0);
}

TEST_P(Allocations, NoneWithACache) {
  const std::int64_t length = GetParam();
  MultiHeadAttention layer =
      random_layer({.d_model = 64, .n_heads = 4, .causal = Causal::bottom_right});
  const Tensor x = random_tensor({1, length, 64}, 2);
  Tensor out({1, length, 64});
  KvCache cache = layer.make_cache(1, 3 * length);
  layer.forward(x, cache, out);
  layer.forward(x, cache, out);
  const int again = allocations_of([&] { layer.forward(x, cache, out); });
  EXPECT_EQ(again, 0);
}

TEST(CountedAllocations, AreSeen) {
  EXPECT_EQ(allocations_of([] { const Tensor t({3}); }), 1);
  EXPECT_EQ(allocations_of([] { const std::vector<int> v(3); }), 1);
}

INSTANTIATE_TEST_SUITE_P(Lengths, Allocations, ::testing::Values(1, 5, 64, 300));

}  // namespace
}  // namespace headlight
