// How often a call of the layer takes memory: its own program, since it replaces operator new.
#include <gtest/gtest.h>
#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "core/threads.h"
#include "kernels/matmul.h"
#include "model/layer_test_support.h"

namespace {

std::atomic<int> g_allocations{0};

void* counted(std::size_t alignment, std::size_t bytes) {
  ++g_allocations;
  return memalign(alignment, bytes == 0 ? 1 : bytes);
}

}  // namespace

// Everything that allocates here: new, and Tensor by aligned_alloc. Not inlined, or gcc takes the
// free() in delete for a mistake.
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  if (void* p = counted(alignof(std::max_align_t), bytes)) return p;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* p) noexcept {
  std::free(p);
}
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept {
  std::free(p);
}
extern "C" void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  return counted(alignment, bytes);
}

namespace headlight {
namespace {

using testing::random_layer;
using testing::random_tensor;

template <class Action>
int allocations_of(const Action& action) {
  const int before = g_allocations;
  action();
  return g_allocations - before;
}

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
