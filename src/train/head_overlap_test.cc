// The price of heads that read the same words, against plain sums and differences.
#include "train/head_overlap.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "kernels/attention/pattern.h"

namespace headlight {
namespace {

Tensor random_heads(std::int64_t n_heads, unsigned seed) {
  Tensor out({2, 6, n_heads, 8});
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  for (float& x : out.span<float>()) x = normal(random);
  return out;
}

struct Case {
  std::int64_t n_kv_heads;
  Causal causal;
};

class HeadOverlap : public ::testing::TestWithParam<Case> {
 protected:
  AttentionTensors tensors() { return {.q = q_, .k = k_, .v = k_, .z = z_, .lse = {}}; }
  AttentionOptions options() const { return {.causal = GetParam().causal}; }
  double overlap() { return head_overlap(tensors(), options()); }

  Tensor q_ = random_heads(4, 1), k_ = random_heads(GetParam().n_kv_heads, 2);
  Tensor z_{q_.shape()};
};

/// As the definition says it, from the reference's patterns.
double plain_overlap(const AttentionTensors& tensors, const AttentionOptions& options) {
  const AttentionProblem problem = attention_problem(tensors, options);
  double sum = 0;
  for (std::int64_t b = 0; b < 2; ++b) {
    std::vector<Tensor> patterns;
    for (std::int64_t h = 0; h < 4; ++h)
      attention_pattern_ref(problem, tensors, {.batch = b, .head = h, .row_begin = 0, .row_end = 6},
                            patterns.emplace_back(Shape{6, 6}));
    for (std::size_t h = 0; h < 4; ++h)
      for (std::size_t g = 0; g < 4; ++g)
        for (std::size_t i = 0; h != g && i < 6; ++i)
          for (std::size_t j = 1; j < 5; ++j)
            sum +=
                double{patterns[h].span<float>()[i * 6 + j]} * patterns[g].span<float>()[i * 6 + j];
  }
  return sum / 4;
}

TEST_P(HeadOverlap, IsTheSumOverPairsOfHeads) {
  EXPECT_NEAR(overlap(), plain_overlap(tensors(), options()), 1e-5);
}

TEST_P(HeadOverlap, HasTheGradientOfItsDifferences) {
  Tensor d_q(q_.shape()), d_k(k_.shape());
  d_q.span<float>()[0] = 3;  // it is added to what is there
  head_overlap_backward(tensors(), options(), 0.5, d_q, d_k);
  d_q.span<float>()[0] -= 3;
  const auto expect_gradient = [&](Tensor& of, const Tensor& gradient) {
    for (std::size_t i = 0; i < of.span<float>().size(); ++i) {
      float& x = of.span<float>()[i];
      const float kept = x, step = 0.01f;
      x = kept + step;
      const double above = overlap();
      x = kept - step;
      const double below = overlap();
      x = kept;
      ASSERT_NEAR(gradient.span<float>()[i], 0.5 * (above - below) / (2 * double{step}), 1e-4) << i;
    }
  };
  expect_gradient(q_, d_q);
  expect_gradient(k_, d_k);
}

INSTANTIATE_TEST_SUITE_P(Patterns, HeadOverlap,
                         ::testing::Values(Case{4, Causal::none}, Case{2, Causal::none},
                                           Case{1, Causal::bottom_right}),
                         [](const auto& p) {
                           return "kv" + std::to_string(p.param.n_kv_heads) +
                                  (p.param.causal == Causal::none ? "" : "_causal");
                         });

TEST(HeadOverlapOfOneHead, IsNothing) {
  const Tensor q = random_heads(1, 1);
  Tensor z(q.shape());
  EXPECT_EQ(head_overlap({.q = q, .k = q, .v = q, .z = z, .lse = {}}, {}), 0);
}

}  // namespace
}  // namespace headlight
