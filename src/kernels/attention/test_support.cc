#include "kernels/attention/test_support.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "kernels/attention/ref.h"
#include "support/tolerance.h"

namespace headlight::testing {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kCanary = 77;  // exact in every dtype

float read(TensorView view, std::int64_t at) {
  if (view.dtype() == DType::i8) return view.as<std::int8_t>()[at];
  float x = 0;
  const auto* bytes = static_cast<const std::byte*>(view.data());
  widen(view.dtype(), bytes + at * static_cast<std::int64_t>(size_of(view.dtype())), {&x, 1});
  return x;
}

void write(MutableTensorView view, std::int64_t at, float x) {
  if (view.dtype() == DType::bf16)
    view.as<BFloat16>()[at] = to_bfloat16(x);
  else if (view.dtype() == DType::f16)
    view.as<Float16>()[at] = to_float16(x);
  else if (view.dtype() == DType::i8)
    view.as<std::int8_t>()[at] = static_cast<std::int8_t>(std::lround(x));
  else
    view.as<float>()[at] = x;
}

float rounded(DType dtype, float x) {
  if (dtype == DType::bf16) return to_float(to_bfloat16(x));
  if (dtype == DType::f16) return to_float(to_float16(x));
  return x;
}

template <class F>
void for_each_index(const Shape& s, const F& f) {
  for (std::int64_t a = 0; a < s[0]; ++a)
    for (std::int64_t b = 0; b < s[1]; ++b)
      for (std::int64_t c = 0; c < s[2]; ++c)
        for (std::int64_t d = 0; d < s[3]; ++d) f(a, b, c, d);
}

void fill_normal(ActivationBuffer& buffer, float spread, std::mt19937& random) {
  std::normal_distribution<float> normal(0, spread);
  for_each_index(buffer.view().shape(),
                 [&](auto a, auto b, auto c, auto d) { buffer.set(a, b, c, d, normal(random)); });
}

/// Integers up to 127 and the factor of each head at each position, which varies.
void fill_scaled(ActivationBuffer& buffer, std::vector<float>& scale, std::mt19937& random) {
  const Shape s = buffer.view().shape();
  std::normal_distribution<float> normal;
  for (std::int64_t i = 0; i < s[0] * s[1] * s[2]; ++i)
    scale.push_back((1 + 0.5f * std::tanh(normal(random))) / 48);
  for_each_index(s, [&](auto a, auto b, auto c, auto d) {
    buffer.set(a, b, c, d, std::clamp(48 * normal(random), -127.0f, 127.0f));
  });
}

Shape pair_shape(const AttentionCase& c) {
  if (c.broadcast) return {c.batch, 1, 1, c.kv_len};
  return {c.batch, c.n_heads, c.q_len, c.kv_len};
}

std::size_t pair_index(const AttentionCase& c, std::int64_t b, std::int64_t h, std::int64_t i,
                       std::int64_t j) {
  return static_cast<std::size_t>(c.broadcast ? b * c.kv_len + j
                                              : ((b * c.n_heads + h) * c.q_len + i) * c.kv_len + j);
}

/// Whether query i may see key j, straight from the words of the convention.
bool visible(const AttentionData& data, std::int64_t b, std::int64_t h, std::int64_t i,
             std::int64_t j) {
  const AttentionCase& c = data.shape;
  const std::int64_t p = c.causal == Causal::top_left ? i : i + c.kv_len - c.q_len;
  if (c.causal != Causal::none && j > p) return false;
  if (c.window.left >= 0 && j < p - c.window.left) return false;
  if (c.window.right >= 0 && j > p + c.window.right) return false;
  const std::size_t pair = pair_index(c, b, h, i, j);
  if (c.has(Extra::mask) && data.mask[pair] == 0) return false;
  return !c.has(Extra::bias) || data.bias[pair] != -kInfinity;
}

/// The order of a sum.
enum class Order : std::uint8_t { forward, backward, halves };

/// Index of the i-th of n terms: 0 1 2 ..., n-1 n-2 ..., or 0 n/2 1 n/2+1 ... as `order` says.
std::size_t term(Order order, std::size_t i, std::size_t n) {
  if (order == Order::forward) return i;
  if (order == Order::backward) return n - 1 - i;
  return i % 2 == 0 ? i / 2 : (n + 1) / 2 + i / 2;
}

float naive_score(const AttentionData& data, Order order, std::span<const float> q,
                  std::span<const float> k, std::int64_t b, std::int64_t h, std::int64_t i,
                  std::int64_t j) {
  const AttentionCase& c = data.shape;
  const float scale = 1.0f / std::sqrt(static_cast<float>(c.head_dim));
  // Where the scale goes is nobody's choice either: into q, or onto the sum.
  const float before = order == Order::halves ? scale : 1.0f;
  float sum = 0;
  for (std::size_t n = 0; n < q.size(); ++n) {
    const std::size_t e = term(order, n, q.size());
    sum += q[e] * before * k[e];
  }
  float score = order == Order::halves ? sum : sum * scale;
  if (c.softcap > 0) score = c.softcap * std::tanh(score / c.softcap);
  if (c.has(Extra::bias)) score += data.bias[pair_index(c, b, h, i, j)];
  if (c.has(Extra::alibi)) {
    const std::int64_t p = c.causal == Causal::top_left ? i : i + c.kv_len - c.q_len;
    score += data.slopes[static_cast<std::size_t>(h)] * static_cast<float>(j - p);
  }
  return score;
}

std::span<const float> row_of(const std::vector<float>& values, const Shape& s, std::int64_t b,
                              std::int64_t t, std::int64_t h) {
  return std::span(values).subspan(static_cast<std::size_t>(((b * s[1] + t) * s[2] + h) * s[3]),
                                   static_cast<std::size_t>(s[3]));
}

/// The choices that the textbook method leaves open: the order of its sums, and what the pattern is
/// rounded to before it meets the values.
struct Naive {
  Order order;
  DType pattern;
};

/// One row of the textbook method. Returns its lse.
float naive_row(const AttentionData& data, Naive how, const std::vector<float>& k,
                const std::vector<float>& v, std::span<const float> q, std::int64_t b,
                std::int64_t h, std::int64_t i, std::span<float> z) {
  const AttentionCase& c = data.shape;
  const std::int64_t g = h / (c.n_heads / c.n_kv_heads);
  std::vector<std::pair<std::int64_t, float>> scores;
  const auto keys = static_cast<std::size_t>(c.kv_len);
  for (std::size_t n = 0; n < keys; ++n) {
    const auto j = static_cast<std::int64_t>(term(how.order, n, keys));
    if (visible(data, b, h, i, j))
      scores.emplace_back(j, naive_score(data, how.order, q,
                                         row_of(k, data.k.view().shape(), b, j, g), b, h, i, j));
  }
  if (scores.empty()) return -kInfinity;
  float largest = c.has(Extra::sinks) ? data.sinks[static_cast<std::size_t>(h)] : -kInfinity;
  for (const auto& [j, score] : scores) largest = std::max(largest, score);
  float sum =
      c.has(Extra::sinks) ? std::exp(data.sinks[static_cast<std::size_t>(h)] - largest) : 0.0f;
  for (auto& [j, score] : scores) sum += score = std::exp(score - largest);
  const float gate = c.has(Extra::head_gate) ? data.gate[static_cast<std::size_t>(h)] : 1.0f;
  for (const auto& [j, weight] : scores) {
    const auto value = row_of(v, data.v.view().shape(), b, j, g);
    const float share = rounded(how.pattern, weight / sum);
    for (std::size_t e = 0; e < z.size(); ++e) z[e] += share * value[e];
  }
  for (float& x : z) x = gate == 0 ? 0.0f : rounded(c.stored_z(), x * gate);
  return largest + std::log(sum);
}

AttentionOutput run_naive(const AttentionData& data, Naive how) {
  const AttentionCase& c = data.shape;
  const std::vector<float> q = data.q.values(), k = data.wide_keys(), v = data.wide_values();
  AttentionOutput out;
  out.z.assign(static_cast<std::size_t>(c.batch * c.q_len * c.n_heads * c.head_dim_v), 0.0f);
  out.lse.resize(static_cast<std::size_t>(c.batch * c.n_heads * c.q_len));
  const Shape z_shape{c.batch, c.q_len, c.n_heads, c.head_dim_v};
  for_each_index({c.batch, c.n_heads, c.q_len, 1}, [&](auto b, auto h, auto i, auto) {
    const auto z = row_of(out.z, z_shape, b, i, h);
    out.lse[static_cast<std::size_t>((b * c.n_heads + h) * c.q_len + i)] =
        naive_row(data, how, k, v, row_of(q, data.q.view().shape(), b, i, h), b, h, i,
                  {const_cast<float*>(z.data()), z.size()});
  });
  if (!c.has(Extra::lse)) out.lse.clear();
  return out;
}

}  // namespace

std::string AttentionCase::describe() const {
  return fmt::format(
      "batch {} q_len {} kv_len {} heads {}/{} head_dim {}/{} {} kv {} z {} causal {} window ({}, "
      "{}) softcap {} spread {} extras {:#x}{}{}{} seed {}",
      batch, q_len, kv_len, n_heads, n_kv_heads, head_dim, head_dim_v, name_of(dtype),
      name_of(stored_kv()), name_of(stored_z()), static_cast<int>(causal), window.left,
      window.right, softcap, spread, extras, broadcast ? " broadcast" : "",
      strided ? " strided" : "", poison ? " poison" : "", seed);
}

ActivationBuffer::ActivationBuffer(DType dtype, Shape shape, bool strided) {
  Shape outer = shape;
  if (strided) outer = {shape[0], shape[1] + 1, shape[2] + 2, shape[3] + 3};
  storage_ = Tensor(dtype, outer);
  const MutableTensorView all = storage_;
  for (std::int64_t i = 0; i < outer.numel(); ++i) write(all, i, kCanary);
  const std::int64_t offset = strided ? all.stride(2) + 1 : 0;
  auto* data =
      static_cast<std::byte*>(all.data()) + offset * static_cast<std::int64_t>(size_of(dtype));
  view_ = MutableTensorView(data, dtype, shape, all.strides());
}

std::vector<float> ActivationBuffer::values() const {
  std::vector<float> out;
  for_each_index(view_.shape(), [&](auto a, auto b, auto c, auto d) {
    out.push_back(read(view_, a * view_.stride(0) + b * view_.stride(1) + c * view_.stride(2) + d));
  });
  return out;
}

void ActivationBuffer::set(std::int64_t b, std::int64_t t, std::int64_t h, std::int64_t d,
                           float x) {
  write(view_, b * view_.stride(0) + t * view_.stride(1) + h * view_.stride(2) + d, x);
}

bool ActivationBuffer::surroundings_intact() const {
  std::int64_t canaries = 0;
  const std::int64_t all = storage_.numel();
  for (std::int64_t i = 0; i < all; ++i) canaries += read(storage_, i) == kCanary;
  return canaries == all - view_.numel();
}

AttentionData::AttentionData(const AttentionCase& c)
    : shape(c),
      q(c.dtype, {c.batch, c.q_len, c.n_heads, c.head_dim}, c.strided),
      k(c.stored_kv(), {c.batch, c.kv_len, c.n_kv_heads, c.head_dim}, c.strided),
      v(c.stored_kv(), {c.batch, c.kv_len, c.n_kv_heads, c.head_dim_v}, c.strided) {
  std::mt19937 random(c.seed);
  fill_normal(q, c.spread, random);
  if (c.stored_kv() == DType::i8) {
    fill_scaled(k, k_scale, random);
    fill_scaled(v, v_scale, random);
  } else {
    fill_normal(k, 1, random);
    fill_normal(v, 1, random);
  }
  std::normal_distribution<float> normal;
  const auto pairs = static_cast<std::size_t>(pair_shape(c).numel());
  const auto heads = static_cast<std::size_t>(c.n_heads);
  for (std::size_t i = 0; i < pairs && c.has(Extra::mask); ++i) mask.push_back(random() % 4 != 0);
  for (std::size_t i = 0; i < pairs && c.has(Extra::bias); ++i)
    bias.push_back(random() % 16 == 0 ? -kInfinity : normal(random));
  for (std::size_t h = 0; h < heads; ++h) {
    if (c.has(Extra::alibi)) slopes.push_back(std::exp2(-0.5f * static_cast<float>(h + 1)));
    if (c.has(Extra::sinks)) sinks.push_back(normal(random));
    if (c.has(Extra::head_gate)) gate.push_back(static_cast<float>(random() % 5) * 0.25f);
  }
  if (!c.poison) return;
  for (std::int64_t b = 0; b < c.batch; ++b)
    for (std::int64_t g = 0; g < c.n_kv_heads; ++g) {
      k.set(b, c.kv_len - 1, g, 0, std::numeric_limits<float>::quiet_NaN());
      v.set(b, c.kv_len - 1, g, c.head_dim_v - 1, kInfinity);
      v.set(b, c.kv_len / 2, g, 0, -kInfinity);
      v.set(b, c.kv_len / 3, g, 0, std::numeric_limits<float>::quiet_NaN());
    }
}

AttentionTensors AttentionData::tensors() const {
  AttentionTensors t{.q = q.view(), .k = k.view(), .v = v.view()};
  const Shape scales{shape.batch, shape.kv_len, shape.n_kv_heads};
  if (!k_scale.empty()) t.k_scale = TensorView(k_scale.data(), scales);
  if (!v_scale.empty()) t.v_scale = TensorView(v_scale.data(), scales);
  if (!mask.empty()) t.mask = TensorView(mask.data(), pair_shape(shape));
  if (!bias.empty()) t.bias = TensorView(bias.data(), pair_shape(shape));
  t.alibi_slopes = slopes;
  t.sinks = sinks;
  t.head_gate = gate;
  return t;
}

std::vector<float> AttentionData::widened(const ActivationBuffer& stored,
                                          const std::vector<float>& scale) {
  std::vector<float> values = stored.values();
  const auto width = static_cast<std::size_t>(stored.view().dim(3));
  for (std::size_t i = 0; i < values.size() && !scale.empty(); ++i) values[i] *= scale[i / width];
  return values;
}

AttentionOptions AttentionData::options() const {
  return {.softcap = shape.softcap, .causal = shape.causal, .window = shape.window};
}

AttentionOutput run_kernel(const AttentionKernel& kernel, const AttentionData& data) {
  const AttentionCase& c = data.shape;
  ActivationBuffer z(c.stored_z(), {c.batch, c.q_len, c.n_heads, c.head_dim_v}, c.strided);
  ActivationBuffer lse(DType::f32, {c.batch, c.n_heads, c.q_len, 1}, c.strided);
  AttentionTensors t = data.tensors();
  t.z = z.view();
  const MutableTensorView l = lse.view();
  if (c.has(Extra::lse))
    t.lse = MutableTensorView(l.data(), DType::f32, {c.batch, c.n_heads, c.q_len},
                              {l.stride(0), l.stride(1), l.stride(2)});
  const AttentionProblem problem = attention_problem(t, data.options());
  kernel.run(problem, t);
  EXPECT_TRUE(z.surroundings_intact() && (!t.lse || lse.surroundings_intact()))
      << kernel.name << " wrote outside its output";
  return {z.values(), c.has(Extra::lse) ? lse.values() : std::vector<float>()};
}

AttentionOutput run_reference(const AttentionData& data) {
  AttentionCase c = data.shape;
  c.dtype = DType::f32;
  c.kv_dtype = {};
  AttentionData wide(c);
  // Drawn for another dtype, these may differ.
  wide.mask = data.mask;
  wide.bias = data.bias;
  wide.slopes = data.slopes;
  wide.sinks = data.sinks;
  wide.gate = data.gate;
  const auto copy = [](ActivationBuffer& to, const std::vector<float>& values) {
    std::size_t i = 0;
    for_each_index(to.view().shape(),
                   [&](auto a, auto b, auto h, auto d) { to.set(a, b, h, d, values[i++]); });
  };
  copy(wide.q, data.q.values());
  copy(wide.k, data.wide_keys());
  copy(wide.v, data.wide_values());
  return run_kernel(attention_ref(), wide);
}

DType pattern_type(const AttentionKernel& kernel) {
  return kernel.name == "flash_bf16" ? DType::bf16 : DType::f32;
}

AttentionOutput run_naive(const AttentionData& data, const AttentionOutput& reference,
                          DType pattern) {
  AttentionOutput worst = run_naive(data, {Order::forward, pattern});
  const auto keep_farther = [](std::vector<float>& kept, const std::vector<float>& other,
                               const std::vector<float>& exact) {
    for (std::size_t i = 0; i < kept.size(); ++i)
      if (std::fabs(other[i] - exact[i]) > std::fabs(kept[i] - exact[i])) kept[i] = other[i];
  };
  for (const Order order : {Order::backward, Order::halves}) {
    const AttentionOutput other = run_naive(data, {order, pattern});
    keep_farther(worst.z, other.z, reference.z);
    keep_farther(worst.lse, other.lse, reference.lse);
  }
  return worst;
}

::testing::AssertionResult agrees(const AttentionOutput& fast, const AttentionOutput& naive,
                                  const AttentionOutput& reference) {
  if (auto z = agrees(fast.z, naive.z, reference.z); !z) return z << " of z";
  if (auto lse = agrees(fast.lse, naive.lse, reference.lse); !lse) return lse << " of lse";
  return ::testing::AssertionSuccess();
}

::testing::AssertionResult kernel_agrees(const AttentionKernel& kernel, const AttentionData& data) {
  const AttentionOutput reference = run_reference(data);
  return agrees(run_kernel(kernel, data), run_naive(data, reference, pattern_type(kernel)),
                reference);
}

}  // namespace headlight::testing
