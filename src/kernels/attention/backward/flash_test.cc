// The tiled backward pass against the reference, over shapes around the register tiles and blocks.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "core/threads.h"
#include "kernels/attention/backward/backward.h"
#include "support/tolerance.h"
#include "support/vector_targets.h"

namespace headlight {
namespace {

struct Case {
  std::int64_t batch = 1, q_len = 1, kv_len = 1, n_heads = 1, n_kv_heads = 1;
  std::int64_t head_dim = 8, head_dim_v = 8;
  AttentionOptions options;
  bool sinks = false, gates = false, mask = false, slopes = false;
  Shape bias = {};  ///< rank 0: none
};

std::string describe(const Case& c) {
  return fmt::format(
      "B {} Tq {} Tkv {} H {} Hkv {} D {} Dv {} causal {} window ({}, {}) softcap {} "
      "slopes {} bias {} dropout {}",
      c.batch, c.q_len, c.kv_len, c.n_heads, c.n_kv_heads, c.head_dim, c.head_dim_v,
      static_cast<int>(c.options.causal), c.options.window.left, c.options.window.right,
      c.options.softcap, c.slopes, c.bias, c.options.dropout.p);
}

/// A call with its data, and room for its gradients.
struct Trial {
  Tensor q, k, v, z, lse, d_z, mask, bias, d_q, d_k, d_v, d_bias;
  std::vector<float> sinks, gates, slopes, d_sinks, d_gates, d_slopes;

  Trial(const Case& c, unsigned seed)
      : q({c.batch, c.q_len, c.n_heads, c.head_dim}),
        k({c.batch, c.kv_len, c.n_kv_heads, c.head_dim}),
        v({c.batch, c.kv_len, c.n_kv_heads, c.head_dim_v}),
        z({c.batch, c.q_len, c.n_heads, c.head_dim_v}),
        lse({c.batch, c.n_heads, c.q_len}),
        d_z(z.shape()),
        d_q(q.shape()),
        d_k(k.shape()),
        d_v(v.shape()) {
    std::mt19937 rng(seed);
    std::uniform_real_distribution<float> dist(-1, 1);
    for (Tensor* t : {&q, &k, &v, &d_z})
      for (float& x : t->span<float>()) x = dist(rng);
    for (std::int64_t h = 0; h < c.n_heads; ++h) {
      if (c.sinks) sinks.push_back(dist(rng));
      if (c.gates) gates.push_back(h == 1 ? 0.0f : 0.25f + 0.25f * static_cast<float>(h % 2));
      if (c.slopes) slopes.push_back(0.1f * dist(rng));
    }
    d_sinks.resize(sinks.size());
    d_gates.resize(gates.size());
    d_slopes.resize(slopes.size());
    if (c.bias.rank() > 0) {
      bias = Tensor(c.bias);
      d_bias = Tensor(c.bias);
      for (float& x : bias.span<float>()) x = dist(rng);
    }
    if (!c.mask) return;
    mask = Tensor(DType::boolean, {1, c.n_heads, c.q_len, c.kv_len});
    for (bool& allowed : mask.span<bool>()) allowed = rng() % 4 != 0;
  }
  AttentionTensors tensors() {
    return {.q = q,
            .k = k,
            .v = v,
            .mask = mask ? mask.view() : TensorView(),
            .bias = bias ? bias.view() : TensorView(),
            .alibi_slopes = slopes,
            .sinks = sinks,
            .head_gate = gates,
            .z = z,
            .lse = lse};
  }
  AttentionGradients gradients() {
    return {.d_z = d_z,
            .d_q = d_q,
            .d_k = d_k,
            .d_v = d_v,
            .d_bias = d_bias ? d_bias.view() : MutableTensorView(),
            .d_sinks = d_sinks,
            .d_head_gate = d_gates,
            .d_alibi_slopes = d_slopes};
  }

  /// What is added to the score of a pair.
  float added(const AttentionProblem& p, std::int64_t b, std::int64_t h, std::int64_t i,
              std::int64_t j) const {
    float sum = slopes.empty()
                    ? 0
                    : slopes[static_cast<std::size_t>(h)] * static_cast<float>(j - p.position(i));
    if (!bias) return sum;
    std::int64_t at = 0;
    const std::int64_t index[] = {b, h, i, j};
    for (std::size_t e = 0; e < 4; ++e) at = at * bias.dim(e) + (bias.dim(e) == 1 ? 0 : index[e]);
    return sum + bias.span<float>()[static_cast<std::size_t>(at)];
  }
};

/// The definition's loops with every number in fp32: what the tolerance is derived from.
void naive_gradients(const Case& c, Trial& run) {
  const std::int64_t group = c.n_heads / c.n_kv_heads;
  const auto p = attention_problem(run.tensors(), c.options);
  for (Tensor* t : {&run.d_q, &run.d_k, &run.d_v}) std::ranges::fill(t->span<float>(), 0.0f);
  const auto row = [](Tensor& t, std::int64_t b, std::int64_t i, std::int64_t h) {
    return t.span<float>().data() + ((b * t.dim(1) + i) * t.dim(2) + h) * t.dim(3);
  };
  const auto dot = [](const float* a, const float* b, std::int64_t n) {
    float sum = 0;
    for (std::int64_t e = 0; e < n; ++e) sum += a[e] * b[e];
    return sum;
  };
  for (std::int64_t b = 0; b < c.batch; ++b)
    for (std::int64_t h = 0; h < c.n_heads; ++h)
      for (std::int64_t i = 0; i < c.q_len; ++i) {
        const float* dz = row(run.d_z, b, i, h);
        const float gate = run.gates.empty() ? 1 : run.gates[static_cast<std::size_t>(h)];
        const float lse =
            run.lse.span<float>()[static_cast<std::size_t>((b * c.n_heads + h) * c.q_len + i)];
        // From the other end: a row of one key must not find z equal to v, and its sum the same.
        float delta = 0;
        for (std::int64_t e = c.head_dim_v; e-- > 0;) delta += dz[e] * row(run.z, b, i, h)[e];
        const auto keys = p.keys_of(i);
        for (std::int64_t j = keys.first; j < keys.last; ++j) {
          const std::size_t pair = static_cast<std::size_t>((h * c.q_len + i) * c.kv_len + j);
          if (c.mask && !run.mask.span<bool>()[pair]) continue;
          const float* q = row(run.q, b, i, h);
          const float* k = row(run.k, b, j, h / group);
          float s = p.scale * dot(q, k, c.head_dim), slope = 1;
          if (p.softcap > 0) {
            const float t = std::tanh(s / p.softcap);
            slope = 1 - t * t;
            s = p.softcap * t;
          }
          const float w = std::exp(s + run.added(p, b, h, i, j) - lse);
          const Dropout& dropout = c.options.dropout;
          const float kept = dropout_factor(dropout, dropout_row(dropout, b, c.n_heads, h), i, j);
          const float dp = kept * gate * dot(dz, row(run.v, b, j, h / group), c.head_dim_v);
          const float ds = w * (dp - delta) * slope * p.scale;
          for (std::int64_t e = 0; e < c.head_dim; ++e) {
            row(run.d_q, b, i, h)[e] += ds * k[e];
            row(run.d_k, b, j, h / group)[e] += ds * q[e];
          }
          for (std::int64_t e = 0; e < c.head_dim_v; ++e)
            row(run.d_v, b, j, h / group)[e] += kept * gate * w * dz[e];
        }
      }
}

/// Sums of terms of about `size` in all.
void expect_sums(std::span<const float> fast, std::span<const float> reference, double size) {
  for (std::size_t i = 0; i < fast.size(); ++i)
    ASSERT_NEAR(fast[i], reference[i], 1e-5 * (size + std::fabs(reference[i]))) << i;
}

/// Checks the tiled gradients of one case on every instruction set; the oracle runs once.
void expect_agrees(const Case& c, unsigned seed) {
  SCOPED_TRACE(describe(c));
  Trial naive(c, seed), reference(c, seed);
  for (Trial* trial : {&naive, &reference}) attention(trial->tensors(), c.options);
  naive_gradients(c, naive);
  attention_backward_ref(attention_problem(reference.tensors(), c.options), reference.tensors(),
                         reference.gradients());
  testing::on_every_target([&] {
    Trial fast(c, seed);
    attention(fast.tensors(), c.options);
    const auto report = attention_backward(fast.tensors(), c.options, fast.gradients());
    EXPECT_EQ(report.kernel, "flash") << to_string(report);
    for (Tensor Trial::*d : {&Trial::d_q, &Trial::d_k, &Trial::d_v})
      EXPECT_TRUE(testing::agrees((fast.*d).span<float>(), (naive.*d).span<float>(),
                                  (reference.*d).span<float>()));
    expect_sums(fast.d_sinks, reference.d_sinks, 1);
    expect_sums(fast.d_gates, reference.d_gates, static_cast<double>(c.q_len));
    expect_sums(fast.d_slopes, reference.d_slopes, static_cast<double>(c.q_len * c.kv_len));
    if (fast.d_bias) expect_sums(fast.d_bias.span<float>(), reference.d_bias.span<float>(), 1);
  });
}

Case random_case(std::mt19937& rng) {
  const auto pick = [&](std::initializer_list<std::int64_t> values) {
    return values.begin()[rng() % values.size()];
  };
  Case c;
  c.batch = pick({1, 2});
  c.q_len = pick({1, 2, 15, 17, 33, 48, 49, 70});
  c.kv_len = pick({2, 7, 8, 9, 31, 127, 128, 129});
  c.n_kv_heads = pick({1, 2});
  c.n_heads = c.n_kv_heads * pick({1, 2});
  c.head_dim = pick({1, 5, 8, 24, 33, 64});
  c.head_dim_v = pick({1, 7, 8, 48, 64});
  c.options.causal = static_cast<Causal>(rng() % 3);
  if (rng() % 3 == 0) c.options.window = {pick({-1, 0, 5, 40}), pick({-1, 0, 3})};
  if (rng() % 4 == 0) c.options.softcap = 0.8f;
  c.sinks = rng() % 4 == 0;
  c.gates = rng() % 4 == 0;
  c.mask = rng() % 4 == 0;
  c.slopes = rng() % 4 == 0;
  if (rng() % 3 == 0) c.options.dropout = {.p = 0.25f, .seed = rng(), .offset = 4};
  if (rng() % 2 == 0)
    c.bias = {pick({1, c.batch}), pick({1, c.n_heads}), pick({1, c.q_len}), pick({1, c.kv_len})};
  return c;
}

TEST(AttentionBackwardFlash, AgreesOnRandomProblemsOnEveryTarget) {
  std::mt19937 rng(17);
  for (unsigned i = 0; i < 40; ++i) expect_agrees(random_case(rng), i);
}

// A bias that repeats makes one unit go through several heads, on as many runs of keys.
TEST(AttentionBackwardFlash, EveryBroadcastOfABiasOnThreads) {
  set_threads(3);
  for (unsigned bits = 0; bits < 16; ++bits) {
    Case c{.batch = 2,
           .q_len = 50,
           .kv_len = 300,
           .n_heads = 4,
           .n_kv_heads = 2,
           .head_dim = 16,
           .head_dim_v = 8,
           .options = {}};
    c.bias = {c.batch, c.n_heads, c.q_len, c.kv_len};
    for (std::size_t e = 0; e < 4; ++e)
      if (bits >> e & 1) c.bias[e] = 1;
    expect_agrees(c, bits);
  }
  set_threads(0);
}

// The pattern of a row with one key is 1, whatever its score: no gradient but V's.
TEST(AttentionBackwardFlash, OneKeyGetsNoScoreGradient) {
  const Case c{.batch = 2,
               .q_len = 49,
               .kv_len = 1,
               .n_heads = 2,
               .n_kv_heads = 1,
               .head_dim = 24,
               .head_dim_v = 64,
               .options = {}};
  testing::on_every_target([&] {
    Trial run(c, 2);
    attention(run.tensors(), c.options);
    attention_backward(run.tensors(), c.options, run.gradients());
    for (const Tensor* d : {&run.d_q, &run.d_k})
      for (const float x : d->span<float>()) ASSERT_NEAR(x, 0, 3e-5);
  });
}

TEST(AttentionBackwardFlash, ThreadsChangeNothingFromRunToRun) {
  // One key/value head on four threads: the keys are cut into runs whose dQ are added in order.
  const Case c{.batch = 1,
               .q_len = 60,
               .kv_len = 700,
               .n_heads = 2,
               .n_kv_heads = 1,
               .head_dim = 32,
               .head_dim_v = 32,
               .options = {}};
  set_threads(4);
  Trial first(c, 5), second(c, 5);
  for (Trial* run : {&first, &second}) {
    attention(run->tensors(), c.options);
    attention_backward(run->tensors(), c.options, run->gradients());
  }
  set_threads(0);
  EXPECT_TRUE(std::ranges::equal(first.d_q.span<float>(), second.d_q.span<float>()));
  EXPECT_TRUE(std::ranges::equal(first.d_k.span<float>(), second.d_k.span<float>()));
}

TEST(AttentionBackwardFlash, MaskedNotANumbersReachNoGradient) {
  Case c{.batch = 1,
         .q_len = 4,
         .kv_len = 6,
         .n_heads = 1,
         .n_kv_heads = 1,
         .head_dim = 8,
         .head_dim_v = 8,
         .options = {
             .scale = {}, .softcap = 0, .causal = Causal::top_left, .window = {}, .kernel = {}}};
  Trial run(c, 1);
  for (std::int64_t e = 0; e < 8; ++e) {  // keys 4 and 5 are seen by no query
    run.k.span<float>()[static_cast<std::size_t>(4 * 8 + e)] = NAN;
    run.v.span<float>()[static_cast<std::size_t>(5 * 8 + e)] = NAN;
  }
  attention(run.tensors(), c.options);
  attention_backward(run.tensors(), c.options, run.gradients());
  for (const Tensor* t : {&run.d_q, &run.d_k, &run.d_v})
    for (float x : t->span<float>()) ASSERT_TRUE(std::isfinite(x));
}

TEST(AttentionBackwardFlash, TheComparisonNoticesAWrongGradient) {
  const Case c{.batch = 1,
               .q_len = 20,
               .kv_len = 30,
               .n_heads = 1,
               .n_kv_heads = 1,
               .head_dim = 8,
               .head_dim_v = 8,
               .options = {}};
  Trial right(c, 3), wrong(c, 3);
  attention(right.tensors(), c.options);
  attention_backward(right.tensors(), c.options, right.gradients());
  AttentionOptions forgot_scale = c.options;
  forgot_scale.scale = 1.0f;
  attention(wrong.tensors(), c.options);
  attention_backward(wrong.tensors(), forgot_scale, wrong.gradients());
  EXPECT_FALSE(
      testing::agrees(wrong.d_q.span<float>(), right.d_q.span<float>(), right.d_q.span<float>()));
}

}  // namespace
}  // namespace headlight
