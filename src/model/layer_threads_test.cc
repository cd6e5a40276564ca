// The layer on several threads: products cut into blocks of rows that cross from one sequence into
// the next, and packed sequences that threads share.
#include <gtest/gtest.h>

#include "core/threads.h"
#include "model/layer_test_support.h"

namespace headlight {
namespace {

using testing::expect_close;
using testing::Matrix;
using testing::PlainLayer;
using testing::random_layer;
using testing::random_tensor;
using testing::rows_of;

/// Heads of 20: neither panels nor tiles of the product end where heads do.
MultiHeadAttention rotating_layer() {
  return random_layer({.d_model = 60,
                       .n_heads = 6,
                       .n_kv_heads = 2,
                       .head_dim = 20,
                       .rotary = RotaryConfig{},
                       .qk_norm_eps = 1e-6f,
                       .causal = Causal::bottom_right});
}

class Threads : public ::testing::TestWithParam<int> {
 protected:
  void SetUp() override { set_threads(GetParam()); }
  void TearDown() override { set_threads(0); }
};

TEST_P(Threads, BatchesEqualThePlainLayer) {
  MultiHeadAttention layer = rotating_layer();
  const Tensor x = random_tensor({5, 130, 60}, 2);
  Tensor out({5, 130, 60});
  layer.forward(x, out);
  for (const std::int64_t b : {0, 2, 4}) {
    const Matrix rows = rows_of(x, b);
    expect_close(PlainLayer(layer).run({.query = rows, .key = rows, .value = rows}).out,
                 rows_of(out, b));
  }
}

TEST_P(Threads, PackedSequencesEqualThePlainLayer) {
  MultiHeadAttention layer = rotating_layer();
  // Even ones, of which threads take one each, and one that is longer than all others together.
  for (const std::vector<std::int64_t>& offsets :
       {std::vector<std::int64_t>{0, 60, 60, 121, 180, 230, 290, 350, 410, 470, 530},
        std::vector<std::int64_t>{0, 7, 400, 410}}) {
    const std::int64_t tokens = offsets.back();
    const Tensor x = random_tensor({1, tokens, 60}, 3);
    Tensor out({1, tokens, 60});
    layer.forward(x, out, {.cu_seqlens = offsets});
    for (std::size_t s = 0; s + 1 < offsets.size(); ++s) {
      const std::int64_t begin = offsets[s], size = offsets[s + 1] - begin;
      const Matrix rows = rows_of(x, 0, begin, size);
      expect_close(PlainLayer(layer).run({.query = rows, .key = rows, .value = rows}).out,
                   rows_of(out, 0, begin, size));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Counts, Threads, ::testing::Values(1, 2, 5));

}  // namespace
}  // namespace headlight
