#include "kernels/attention/backward/backward.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <random>

namespace headlight {
namespace {

/// A whole problem held in double, so that a finite difference sees no fp32 rounding.
struct Inputs {
  std::int64_t batch, q_len, kv_len, heads, kv_heads, d, dv;
  std::vector<double> q, k, v, bias, sinks, gates, slopes, d_z;
  std::vector<std::uint8_t> mask;  // [H, Tq, Tkv] or empty
  AttentionOptions options;
};

std::vector<double> random_values(std::mt19937& rng, std::int64_t n, double low, double high) {
  // Rounded to fp32, so that the kernel reads exactly what the double forward reads.
  std::uniform_real_distribution<double> dist(low, high);
  std::vector<double> out(static_cast<std::size_t>(n));
  for (double& x : out) x = static_cast<float>(dist(rng));
  return out;
}

/// What dropout multiplies a pair by.
double kept(const Inputs& in, std::int64_t b, std::int64_t h, std::int64_t i, std::int64_t j) {
  const Dropout& dropout = in.options.dropout;
  return dropout_factor(dropout, dropout_row(dropout, b, in.heads, h), i, j);
}

/// L = sum z . d_z, straight from the definition, in double, sharing no code with the kernels.
double loss(const Inputs& in) {
  double total = 0;
  const std::int64_t shift = in.options.causal == Causal::top_left ? 0 : in.kv_len - in.q_len;
  const double scale =
      in.options.scale ? *in.options.scale : 1 / std::sqrt(static_cast<float>(in.d));
  const auto at = [](const std::vector<double>& x, std::int64_t i) {
    return x[static_cast<std::size_t>(i)];
  };
  for (std::int64_t b = 0; b < in.batch; ++b)
    for (std::int64_t h = 0; h < in.heads; ++h)
      for (std::int64_t i = 0; i < in.q_len; ++i) {
        const std::int64_t g = h * in.kv_heads / in.heads, p = i + shift;
        double sum = in.sinks.empty() ? 0 : std::exp(at(in.sinks, h)), weighted = 0;
        for (std::int64_t j = 0; j < in.kv_len; ++j) {
          const Window w = in.options.window;
          if ((in.options.causal != Causal::none && j > p) || (w.left >= 0 && j < p - w.left) ||
              (w.right >= 0 && j > p + w.right))
            continue;
          const std::int64_t pair = (h * in.q_len + i) * in.kv_len + j;
          if (!in.mask.empty() && !in.mask[static_cast<std::size_t>(pair)]) continue;
          double s = 0;
          for (std::int64_t e = 0; e < in.d; ++e)
            s += at(in.q, ((b * in.q_len + i) * in.heads + h) * in.d + e) *
                 at(in.k, ((b * in.kv_len + j) * in.kv_heads + g) * in.d + e);
          s *= scale;
          const double cap = in.options.softcap;
          if (cap > 0) s = cap * std::tanh(s / cap);
          if (!in.bias.empty()) s += at(in.bias, pair);
          if (!in.slopes.empty()) s += at(in.slopes, h) * static_cast<double>(j - p);
          double value = 0;
          for (std::int64_t e = 0; e < in.dv; ++e)
            value += at(in.v, ((b * in.kv_len + j) * in.kv_heads + g) * in.dv + e) *
                     at(in.d_z, ((b * in.q_len + i) * in.heads + h) * in.dv + e);
          sum += std::exp(s);
          weighted += std::exp(s) * value * kept(in, b, h, i, j);
        }
        const double gate = in.gates.empty() ? 1 : at(in.gates, h);
        if (weighted != 0) total += gate * weighted / sum;
      }
  return total;
}

Tensor to_tensor(const std::vector<double>& from, Shape shape) {
  Tensor t(shape);
  for (std::size_t i = 0; i < from.size(); ++i) t.span<float>()[i] = static_cast<float>(from[i]);
  return t;
}

std::vector<float> to_floats(const std::vector<double>& from) {
  return {from.begin(), from.end()};
}

/// Every gradient of `in`, by the op.
struct Gradients {
  Tensor q, k, v, bias;
  std::vector<float> sinks, gates, slopes;
};

Gradients gradients_of(const Inputs& in) {
  const Tensor q = to_tensor(in.q, {in.batch, in.q_len, in.heads, in.d});
  const Tensor k = to_tensor(in.k, {in.batch, in.kv_len, in.kv_heads, in.d});
  const Tensor v = to_tensor(in.v, {in.batch, in.kv_len, in.kv_heads, in.dv});
  const Tensor d_z = to_tensor(in.d_z, {in.batch, in.q_len, in.heads, in.dv});
  const Shape pairs{1, in.heads, in.q_len, in.kv_len};
  const Tensor bias = in.bias.empty() ? Tensor() : to_tensor(in.bias, pairs);
  Tensor z(d_z.shape()), lse({in.batch, in.heads, in.q_len});
  const auto sinks = to_floats(in.sinks), gates = to_floats(in.gates),
             slopes = to_floats(in.slopes);
  AttentionTensors t{.q = q,
                     .k = k,
                     .v = v,
                     .mask = {},
                     .bias = {},
                     .alibi_slopes = slopes,
                     .sinks = sinks,
                     .head_gate = gates,
                     .z = z,
                     .lse = lse};
  if (bias) t.bias = bias;
  if (!in.mask.empty()) t.mask = TensorView(in.mask.data(), pairs);
  attention(t, in.options);
  Gradients out{Tensor(q.shape()),
                Tensor(k.shape()),
                Tensor(v.shape()),
                bias ? Tensor(pairs) : Tensor(),
                std::vector<float>(sinks.size()),
                std::vector<float>(gates.size()),
                std::vector<float>(slopes.size())};
  AttentionGradients g{.d_z = d_z,
                       .d_q = out.q,
                       .d_k = out.k,
                       .d_v = out.v,
                       .d_bias = {},
                       .d_sinks = out.sinks,
                       .d_head_gate = out.gates,
                       .d_alibi_slopes = out.slopes};
  if (bias) g.d_bias = out.bias;
  attention_backward(t, in.options, g);
  return out;
}

/// Largest |analytic - central difference| over all elements of one input.
double worst_error(Inputs& in, std::vector<double>& x, std::span<const float> analytic) {
  const double h = 1e-5;
  double worst = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double keep = x[i];
    x[i] = keep + h;
    const double up = loss(in);
    x[i] = keep - h;
    const double down = loss(in);
    x[i] = keep;
    worst = std::max(worst, std::fabs((up - down) / (2 * h) - analytic[i]));
  }
  return worst;
}

void expect_gradients_match(Inputs in) {
  const Gradients g = gradients_of(in);
  constexpr double kTolerance = 3e-6;  // fp32 results of order 1; h^2 adds 1e-10
  EXPECT_LT(worst_error(in, in.q, g.q.span<float>()), kTolerance) << "d_q";
  EXPECT_LT(worst_error(in, in.k, g.k.span<float>()), kTolerance) << "d_k";
  EXPECT_LT(worst_error(in, in.v, g.v.span<float>()), kTolerance) << "d_v";
  if (g.bias) {
    EXPECT_LT(worst_error(in, in.bias, g.bias.span<float>()), kTolerance) << "d_bias";
  }
  EXPECT_LT(worst_error(in, in.sinks, g.sinks), kTolerance) << "d_sinks";
  EXPECT_LT(worst_error(in, in.gates, g.gates), kTolerance) << "d_head_gate";
  EXPECT_LT(worst_error(in, in.slopes, g.slopes), 10 * kTolerance) << "d_alibi_slopes";
}

Inputs random_inputs(unsigned seed, std::int64_t q_len = 5, std::int64_t kv_len = 7) {
  std::mt19937 rng(seed);
  Inputs in{.batch = 2,
            .q_len = q_len,
            .kv_len = kv_len,
            .heads = 4,
            .kv_heads = 2,
            .d = 6,
            .dv = 3,
            .q = {},
            .k = {},
            .v = {},
            .bias = {},
            .sinks = {},
            .gates = {},
            .slopes = {},
            .d_z = {},
            .mask = {},
            .options = {}};
  in.q = random_values(rng, in.batch * q_len * in.heads * in.d, -1, 1);
  in.k = random_values(rng, in.batch * kv_len * in.kv_heads * in.d, -1, 1);
  in.v = random_values(rng, in.batch * kv_len * in.kv_heads * in.dv, -1, 1);
  in.d_z = random_values(rng, in.batch * q_len * in.heads * in.dv, -1, 1);
  return in;
}

TEST(AttentionBackward, MatchesFiniteDifferences) {
  expect_gradients_match(random_inputs(1));
}

TEST(AttentionBackward, MatchesWithEveryExtra) {
  Inputs in = random_inputs(2);
  std::mt19937 rng(3);
  in.bias = random_values(rng, in.heads * in.q_len * in.kv_len, -1, 1);
  in.sinks = random_values(rng, in.heads, -1, 1);
  in.gates = random_values(rng, in.heads, 0.1, 0.9);
  in.gates[2] = 0;  // the gradient at a closed gate says what opening it would do
  in.slopes = random_values(rng, in.heads, -0.5, 0.5);
  in.options.softcap = 0.7f;
  in.options.scale = 0.5f;
  expect_gradients_match(in);
}

TEST(AttentionBackward, MatchesUnderCausalWindowsAndDeadRows) {
  for (Causal causal : {Causal::none, Causal::bottom_right, Causal::top_left})
    for (Window window : {Window{-1, -1}, Window{2, 0}, Window{1, 1}})
      for (std::int64_t q_len : {3, 9}) {  // 9 queries on 7 keys: bottom-right leaves dead rows
        Inputs in = random_inputs(4, q_len, 7);
        in.options.causal = causal;
        in.options.window = window;
        expect_gradients_match(in);
      }
}

TEST(AttentionBackward, MatchesUnderABooleanMask) {
  Inputs in = random_inputs(5);
  std::mt19937 rng(6);
  in.mask.resize(static_cast<std::size_t>(in.heads * in.q_len * in.kv_len));
  for (auto& m : in.mask) m = rng() % 3 != 0;
  std::fill_n(in.mask.begin(), in.kv_len, std::uint8_t{0});  // head 0, query 0 is dead
  expect_gradients_match(in);
}

TEST(AttentionBackward, MatchesWithDropout) {
  Inputs in = random_inputs(8);
  std::mt19937 rng(9);
  in.bias = random_values(rng, in.heads * in.q_len * in.kv_len, -1, 1);
  in.sinks = random_values(rng, in.heads, -1, 1);
  in.gates = random_values(rng, in.heads, 0.1, 0.9);
  in.gates[1] = 0;
  in.options.causal = Causal::bottom_right;
  in.options.softcap = 0.7f;
  in.options.dropout = {.p = 0.4f, .seed = 3, .offset = 1};
  expect_gradients_match(in);
}

TEST(AttentionBackward, GroupedHeadsEqualExpandedOnes) {
  Inputs grouped = random_inputs(7), expanded = random_inputs(7);
  expanded.kv_heads = grouped.heads;
  const auto expand = [&](const std::vector<double>& x, std::int64_t width) {
    std::vector<double> out;
    for (std::size_t row = 0; row < x.size(); row += static_cast<std::size_t>(width))
      for (int copy = 0; copy < 2; ++copy)
        out.insert(out.end(), x.begin() + static_cast<std::ptrdiff_t>(row),
                   x.begin() + static_cast<std::ptrdiff_t>(row) + width);
    return out;
  };
  expanded.k = expand(grouped.k, grouped.d);
  expanded.v = expand(grouped.v, grouped.dv);
  const Gradients a = gradients_of(grouped), b = gradients_of(expanded);
  for (std::int64_t i = 0; i < a.q.numel(); ++i)
    EXPECT_NEAR(a.q.span<float>()[i], b.q.span<float>()[i], 1e-6);
  for (std::int64_t row = 0; row < a.k.numel() / grouped.d; ++row)
    for (std::int64_t e = 0; e < grouped.d; ++e)
      EXPECT_NEAR(a.k.span<float>()[row * grouped.d + e],
                  b.k.span<float>()[2 * row * grouped.d + e] +
                      b.k.span<float>()[(2 * row + 1) * grouped.d + e],
                  1e-6);
}

TEST(AttentionBackward, ABiasOfFewerExtentsGetsItsGradient) {
  Tensor q({1, 3, 2, 4}), z({1, 3, 2, 4}), lse({1, 2, 3}), d_q({1, 3, 2, 4}), d_k({1, 3, 2, 4}),
      d_v({1, 3, 2, 4});
  for (std::size_t i = 0; i < 24; ++i) q.span<float>()[i] = std::sin(static_cast<float>(i));
  const float bias[] = {0, 1, 2, 3, 4, 5, 6, 7, 8};
  float d4[9] = {}, d2[9] = {};
  AttentionTensors t{.q = q, .k = q, .v = q, .z = z, .lse = lse};
  AttentionGradients g{.d_z = q, .d_q = d_q, .d_k = d_k, .d_v = d_v};
  t.bias = TensorView(bias, {1, 1, 3, 3});
  attention(t);
  g.d_bias = MutableTensorView(d4, {1, 1, 3, 3});
  attention_backward(t, {}, g);
  t.bias = TensorView(bias, {3, 3});
  g.d_bias = MutableTensorView(d2, {3, 3});
  attention_backward(t, {}, g);
  for (std::size_t i = 0; i < 9; ++i) EXPECT_EQ(d2[i], d4[i]);
  EXPECT_NE(d2[0], 0);
  g.d_bias = MutableTensorView(d2, {9});
  EXPECT_THROW(attention_backward(t, {}, g), Error);
}

/// 16-bit tensors have the gradients of the fp32 tensors that they widen to, rounded.
TEST(AttentionBackward, OfHalvesIsThatOfTheWidenedRounded) {
  const Shape q_shape{2, 3, 4, 5}, kv_shape{2, 6, 2, 5}, lse_shape{2, 4, 3};
  for (const DType dtype : {DType::bf16, DType::f16}) {
    SCOPED_TRACE(name_of(dtype));
    std::mt19937 rng(4);
    const auto drawn = [&](const Shape& shape) {
      Tensor t(shape);
      for (float& x : t.span<float>()) x = std::normal_distribution<float>()(rng);
      return to_dtype(dtype, t);
    };
    const Tensor q = drawn(q_shape), k = drawn(kv_shape), v = drawn(kv_shape), d_z = drawn(q_shape);
    Tensor z(dtype, q_shape), lse(lse_shape), d_q(dtype, q_shape), d_k(dtype, kv_shape),
        d_v(kv_shape);
    AttentionTensors t{.q = q, .k = k, .v = v, .z = z, .lse = lse};
    const AttentionOptions options{.causal = Causal::bottom_right};
    attention(t, options);
    attention_backward(t, options, {.d_z = d_z, .d_q = d_q, .d_k = d_k, .d_v = d_v});

    const Tensor q32 = to_f32(q), k32 = to_f32(k), v32 = to_f32(v), d_z32 = to_f32(d_z);
    Tensor z32 = to_f32(z), d_q32(q_shape), d_k32(kv_shape), d_v32(kv_shape);
    attention_backward({.q = q32, .k = k32, .v = v32, .z = z32, .lse = lse}, options,
                       {.d_z = d_z32, .d_q = d_q32, .d_k = d_k32, .d_v = d_v32});
    const Tensor rounded_q = to_f32(to_dtype(dtype, d_q32)),
                 rounded_k = to_f32(to_dtype(dtype, d_k32));
    EXPECT_TRUE(std::ranges::equal(to_f32(d_q).span<float>(), rounded_q.span<float>()));
    EXPECT_TRUE(std::ranges::equal(to_f32(d_k).span<float>(), rounded_k.span<float>()));
    EXPECT_TRUE(std::ranges::equal(d_v.span<float>(), d_v32.span<float>()));
    EXPECT_NE(d_v.span<float>()[0], 0);
    Tensor other(dtype == DType::bf16 ? DType::f16 : DType::bf16, q_shape);
    EXPECT_THROW(attention_backward(t, options, {.d_z = d_z, .d_q = other, .d_k = d_k, .d_v = d_v}),
                 Error);
  }
}

TEST(AttentionBackward, RefusesWhatDoesNotFit) {
  Tensor q({1, 2, 2, 4}), z({1, 2, 2, 4}), lse({1, 2, 2}), short_q({1, 1, 2, 4});
  AttentionTensors t{.q = q,
                     .k = q,
                     .v = q,
                     .mask = {},
                     .bias = {},
                     .alibi_slopes = {},
                     .sinks = {},
                     .head_gate = {},
                     .z = z,
                     .lse = lse};
  AttentionGradients g{.d_z = z,
                       .d_q = short_q,
                       .d_k = q,
                       .d_v = q,
                       .d_bias = {},
                       .d_sinks = {},
                       .d_head_gate = {},
                       .d_alibi_slopes = {}};
  EXPECT_THROW(attention_backward(t, {}, g), Error);
  g.d_q = q;
  t.lse = {};
  EXPECT_THROW(attention_backward(t, {}, g), Error);
}

}  // namespace
}  // namespace headlight
