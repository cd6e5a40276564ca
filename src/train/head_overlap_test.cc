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

class HeadOverlapTest : public ::testing::TestWithParam<Case> {
 protected:
  AttentionTensors tensors() { return {.q = q_, .k = k_, .v = k_, .z = z_, .lse = {}}; }
  AttentionOptions options() const { return {.causal = GetParam().causal}; }
  /// Of two layers that share their keys.
  HeadOverlap both() {
    HeadOverlap out(2, 6);
    out.add(tensors(), options());
    out.add(other(), options());
    return out;
  }
  double overlap() { return both().value(); }
  AttentionTensors other() { return {.q = k2_, .k = k_, .v = k_, .z = z2_, .lse = {}}; }

  Tensor q_ = random_heads(4, 1), k_ = random_heads(GetParam().n_kv_heads, 2);
  Tensor k2_ = random_heads(GetParam().n_kv_heads, 3);
  Tensor z_{q_.shape()}, z2_{k2_.shape()};
};

void add_patterns(const AttentionTensors& tensors, const AttentionOptions& options,
                  std::int64_t sequence, std::vector<Tensor>& patterns) {
  for (std::int64_t h = 0; h < tensors.q.dim(2); ++h)
    attention_pattern_ref(attention_problem(tensors, options), tensors,
                          {.batch = sequence, .head = h, .row_begin = 0, .row_end = 6},
                          patterns.emplace_back(Shape{6, 6}));
}

/// As the definition says it.
double plain_overlap(const std::vector<Tensor>& patterns) {
  double sum = 0;
  for (const Tensor& p : patterns)
    for (const Tensor& q : patterns)
      for (std::size_t i = 0; &p != &q && i < 36; ++i)
        if (i % 6 != 0 && i % 6 != 5) sum += double{p.span<float>()[i]} * q.span<float>()[i];
  return sum / static_cast<double>(patterns.size());
}

TEST_P(HeadOverlapTest, IsTheSumOverPairsOfHeads) {
  double expected = 0;
  for (std::int64_t b = 0; b < 2; ++b) {
    std::vector<Tensor> patterns;
    add_patterns(tensors(), options(), b, patterns);
    add_patterns(other(), options(), b, patterns);
    expected += plain_overlap(patterns);
  }
  EXPECT_NEAR(overlap(), expected, 1e-5);
}

TEST_P(HeadOverlapTest, HasTheGradientOfItsDifferences) {
  Tensor d_q(q_.shape()), d_k(k_.shape());
  d_q.span<float>()[0] = 3;  // it is added to what is there
  both().backward(tensors(), options(), 0.5, d_q, d_k);
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
  HeadOverlap two = both();  // k_ is both layers'
  Tensor d_q2(k2_.shape());
  two.backward(other(), options(), 0.5, d_q2, d_k);
  expect_gradient(k_, d_k);
  expect_gradient(k2_, d_q2);
}

INSTANTIATE_TEST_SUITE_P(Patterns, HeadOverlapTest,
                         ::testing::Values(Case{4, Causal::none}, Case{2, Causal::none},
                                           Case{1, Causal::bottom_right}),
                         [](const auto& p) {
                           return "kv" + std::to_string(p.param.n_kv_heads) +
                                  (p.param.causal == Causal::none ? "" : "_causal");
                         });

TEST(HeadOverlapOfOneHead, IsNothing) {
  const Tensor q = random_heads(1, 1);
  Tensor z(q.shape());
  HeadOverlap overlap(2, 6);
  overlap.add({.q = q, .k = q, .v = q, .z = z, .lse = {}}, {});
  EXPECT_NEAR(overlap.value(), 0, 1e-6);
}

}  // namespace
}  // namespace headlight
