// The layer's gradients: finite differences of the plain layer in double, for every input, weight
// and option; and identities.
#include <gtest/gtest.h>

#include <cmath>

#include "core/threads.h"
#include "model/layer_test_support.h"
#include "model/multi_head_attention.h"
#include "support/expect_error.h"

namespace headlight {
namespace {

using testing::expect_error;
using testing::Matrix;
using testing::PlainCall;
using testing::PlainLayer;
using testing::random_layer;
using testing::random_tensor;
using testing::rows_of;

using Config = MultiHeadAttentionConfig;
using Lengths = std::vector<std::int64_t>;
using Weight = AttentionWeight;

/// One layer call: which inputs it names, and what it passes besides.
struct Case {
  const char* name;
  Config config;
  std::int64_t q_len = 4, kv_len = 4;
  int named = 1;  ///< 1: x alone, 2: query and key, 3: query, key and value
  bool mask = false, bias = false, gate = false;
  Lengths key_lengths = {}, cu_seqlens = {}, cu_seqlens_key = {};
  Dropout dropout = {};
};

constexpr std::int64_t kBatch = 2;

/// A call with its data.
struct Call {
  const Case& c;
  MultiHeadAttention layer;
  Tensor query, key, value, d_out, mask, bias;
  std::vector<float> gate;

  explicit Call(const Case& of)
      : c(of),
        layer(random_layer(c.config, 3)),
        query(random_tensor({batch(), c.q_len, config().d_model}, 21)),
        key(random_tensor({batch(), c.kv_len, config().d_key}, 22)),
        value(random_tensor({batch(), c.kv_len, config().d_value}, 23)),
        d_out(random_tensor({batch(), c.q_len, config().d_out}, 24)) {
    const Shape pairs{kBatch, config().n_heads, c.q_len, c.kv_len};
    if (c.mask) {
      mask = Tensor(DType::boolean, pairs);
      for (std::size_t i = 0; i < mask.bytes(); ++i) mask.span<bool>()[i] = i % 3 != 1;
    }
    if (c.bias) bias = random_tensor({1, config().n_heads, c.q_len, c.kv_len}, 25);
    for (std::int64_t h = 0; c.gate && h < config().n_heads; ++h)
      gate.push_back(h == 1 ? 0.0f : 0.3f + 0.1f * static_cast<float>(h));
  }

  const Config& config() const { return layer.config(); }
  std::int64_t batch() const { return c.cu_seqlens.empty() ? kBatch : 1; }
  LayerInputs inputs() const {
    LayerInputs in{.query = query};
    if (c.named >= 2) in.key = key;
    if (c.named >= 3) in.value = value;
    return in;
  }
  LayerOptions options() const {
    LayerOptions o{.head_gate = gate,
                   .key_lengths = c.key_lengths,
                   .cu_seqlens = c.cu_seqlens,
                   .cu_seqlens_key = c.cu_seqlens_key,
                   .dropout = c.dropout};
    if (mask) o.mask = mask;
    if (bias) o.bias = bias;
    return o;
  }
};

/// Every gradient of a call.
struct Gradients {
  Tensor query, key, value, bias;
  std::array<Tensor, kAttentionWeights> weights;
  std::vector<float> gate, slopes;

  explicit Gradients(const Call& call)
      : query(call.query.shape()), key(call.key.shape()), value(call.value.shape()) {
    for (std::size_t i = 0; i < kAttentionWeights; ++i)
      if (const auto shape = weight_shape(call.config(), static_cast<Weight>(i)))
        weights[i] = Tensor(*shape);
    if (call.bias) bias = Tensor(call.bias.shape());
    gate.resize(call.gate.size());
    slopes.resize(call.config().alibi ? static_cast<std::size_t>(call.config().n_heads) : 0);
  }

  LayerGradients views(const Call& call, GradientMode mode = GradientMode::overwrite) {
    LayerGradients g{.d_out = call.d_out,
                     .d_query = query,
                     .d_head_gate = gate,
                     .d_alibi_slopes = slopes,
                     .mode = mode};
    if (call.c.named >= 2) g.d_key = key;
    if (call.c.named >= 3) g.d_value = value;
    if (bias) g.d_bias = bias;
    for (std::size_t i = 0; i < kAttentionWeights; ++i)
      if (weights[i]) g.d_weights[i] = weights[i];
    return g;
  }
};

void run(Call& call, LayerRecord& record, const LayerGradients& gradients) {
  Tensor out(call.d_out.shape());
  LayerOptions options = call.options();
  options.record = &record;
  call.layer.forward(call.inputs(), out, options);
  call.layer.backward(call.inputs(), record, gradients, options);
}

/// The same call in double: L = sum out . d_out, every number of which may be nudged.
class PlainLoss {
 public:
  explicit PlainLoss(const Call& call)
      : call_(call), layer(call.layer), gate(call.gate.begin(), call.gate.end()) {
    for (std::int64_t b = 0; b < call.batch(); ++b) {
      for (auto [to, from] :
           {std::pair{&query, &call.query}, {&key, &call.key}, {&value, &call.value}})
        for (const auto& row : rows_of(*from, b)) to->push_back(row);
    }
    if (call.bias) bias.assign(call.bias.span<float>().begin(), call.bias.span<float>().end());
  }

  double operator()() const {
    const Case& c = call_.c;
    double total = 0;
    const auto entries = c.cu_seqlens.empty() ? call_.batch() : std::ssize(c.cu_seqlens) - 1;
    const Lengths& key_offsets = c.cu_seqlens_key.empty() ? c.cu_seqlens : c.cu_seqlens_key;
    for (std::int64_t s = 0; s < entries; ++s)
      total += entry(s, range(c.cu_seqlens, c.q_len, s), range(key_offsets, c.kv_len, s));
    return total;
  }

  const Call& call_;
  PlainLayer layer;
  Matrix query, key, value;
  std::vector<double> bias, gate;

 private:
  struct Range {
    std::int64_t begin, end;
  };
  static Range range(const Lengths& offsets, std::int64_t length, std::int64_t s) {
    if (offsets.empty()) return {s * length, (s + 1) * length};
    return {offsets[static_cast<std::size_t>(s)], offsets[static_cast<std::size_t>(s) + 1]};
  }
  static Matrix cut(const Matrix& rows, Range r) {
    return {rows.begin() + r.begin, rows.begin() + r.end};
  }

  double entry(std::int64_t s, Range queries, Range keys) const {
    const Case& c = call_.c;
    const std::int64_t heads = call_.config().n_heads;
    const Matrix& keys_from = c.named >= 2 ? key : query;
    PlainCall call{.query = cut(query, queries), .key = cut(keys_from, keys), .value = {}};
    call.value = c.named >= 3 ? cut(value, keys) : call.key;
    call.visible = [&, s](std::int64_t h, std::int64_t i, std::int64_t j) {
      const std::int64_t pair = ((s * heads + h) * c.q_len + i) * c.kv_len + j;
      const bool padding =
          !c.key_lengths.empty() && j >= c.key_lengths[static_cast<std::size_t>(s)];
      return !padding && (!c.mask || call_.mask.span<bool>()[static_cast<std::size_t>(pair)]);
    };
    if (c.bias)
      call.bias = [&](std::int64_t h, std::int64_t i, std::int64_t j) {
        return bias[static_cast<std::size_t>((h * c.q_len + i) * c.kv_len + j)];
      };
    call.gate = gate;
    call.kept = [&, s](std::int64_t h, std::int64_t i, std::int64_t j) {
      return dropout_factor(c.dropout, dropout_row(c.dropout, s, heads, h), i, j);
    };
    const Matrix out = layer.run(call).out;
    double total = 0;
    const float* d = call_.d_out.span<float>().data() + queries.begin * call_.config().d_out;
    for (const auto& row : out)
      for (const double y : row) total += y * *d++;
    return total;
  }
};

/// Holds a gradient to the central differences of the loss.
void expect_slopes(const PlainLoss& loss, std::span<double> of, std::span<const float> gradient,
                   std::string_view name) {
  ASSERT_EQ(of.size(), gradient.size()) << name;
  const double h = 1e-4;  // h^2 is the difference's own error
  for (std::size_t i = 0; i < of.size(); ++i) {
    const double keep = of[i];
    of[i] = keep + h;
    const double up = loss();
    of[i] = keep - h;
    const double down = loss();
    of[i] = keep;
    const double slope = (up - down) / (2 * h);
    ASSERT_NEAR(gradient[i], slope, 3e-5 * (1 + std::fabs(slope))) << name << " [" << i << "]";
  }
}

void expect_slopes(const PlainLoss& loss, Matrix& of, const Tensor& gradient,
                   std::string_view name) {
  const float* row = gradient.span<float>().data();
  for (auto& values : of) {
    expect_slopes(loss, values, {row, values.size()}, name);
    row += values.size();
  }
}

const Case kCases[] = {
    {"plain", {.d_model = 8, .n_heads = 2}},
    {"no_bias", {.d_model = 8, .n_heads = 2, .bias = {false, false, false, false}}},
    {"grouped", {.d_model = 8, .n_heads = 4, .n_kv_heads = 2, .head_dim = 3}},
    {"widths", {.d_model = 7, .n_heads = 2, .head_dim = 3, .head_dim_v = 5, .d_out = 6}},
    {"causal_window",
     {.d_model = 8, .n_heads = 2, .causal = Causal::bottom_right, .window = {2, -1}},
     6,
     6},
    {"softcap", {.d_model = 8, .n_heads = 2, .scale = 0.9f, .softcap = 1.5f}},
    {"alibi", {.d_model = 8, .n_heads = 2, .causal = Causal::bottom_right, .alibi = true}},
    {"sinks", {.d_model = 8, .n_heads = 2, .sinks = true}},
    {"rotary", {.d_model = 8, .n_heads = 2, .rotary = RotaryConfig{}}, 6, 6},
    {"rotary_part",
     {.d_model = 12,
      .n_heads = 2,
      .rotary = RotaryConfig{.theta = 500, .rotary_dim = 4, .layout = RopeLayout::interleaved}}},
    {"qk_norm",
     {.d_model = 8,
      .n_heads = 4,
      .n_kv_heads = 2,
      .head_dim = 4,
      .rotary = RotaryConfig{},
      .qk_norm_eps = 1e-3f}},
    {"added", {.d_model = 8, .n_heads = 2, .added_key_value = true, .zero_key_value = true}},
    {"added_more_queries",
     {.d_model = 8,
      .n_heads = 2,
      .added_key_value = true,
      .zero_key_value = true,
      .causal = Causal::bottom_right},
     5,
     2,
     2,
     true},
    {"added_masked_biased",
     {.d_model = 8, .n_heads = 2, .added_key_value = true, .causal = Causal::bottom_right},
     4,
     4,
     1,
     true,
     true},
    {"mask_bias_gate", {.d_model = 8, .n_heads = 2}, 4, 4, 1, true, true, true},
    {"key_lengths", {.d_model = 8, .n_heads = 2}, 4, 4, 1, false, false, false, {3, 2}},
    {"key_lengths_causal",
     {.d_model = 8, .n_heads = 2, .causal = Causal::top_left},
     4,
     4,
     1,
     false,
     false,
     false,
     {3, 2}},
    {"cross", {.d_model = 6, .n_heads = 2, .d_key = 5, .d_value = 5}, 3, 5, 2},
    {"cross_three", {.d_model = 6, .n_heads = 2, .d_key = 5, .d_value = 7}, 3, 5, 3, false, true},
    {"cross_key_lengths",
     {.d_model = 6, .n_heads = 2, .d_key = 5, .d_value = 5, .added_key_value = true},
     3,
     5,
     2,
     false,
     false,
     true,
     {5, 2}},
    {"packed",
     {.d_model = 8, .n_heads = 2, .rotary = RotaryConfig{}, .qk_norm_eps = 1e-3f, .sinks = true},
     9,
     9,
     1,
     false,
     false,
     true,
     {},
     {0, 3, 3, 9}},
    {"packed_cross",
     {.d_model = 8, .n_heads = 2, .added_key_value = true},
     5,
     7,
     3,
     false,
     false,
     false,
     {},
     {0, 2, 5},
     {0, 6, 7}},
    {"dropout",
     {.d_model = 8, .n_heads = 2, .added_key_value = true, .causal = Causal::bottom_right},
     5,
     5,
     1,
     false,
     true,
     false,
     {},
     {},
     {},
     {.p = 0.3f, .seed = 5}},
    {"packed_dropout",
     {.d_model = 8, .n_heads = 2},
     9,
     9,
     1,
     false,
     false,
     false,
     {},
     {0, 4, 9},
     {},
     {.p = 0.3f, .seed = 5, .offset = 1}},
};

class LayerBackward : public ::testing::TestWithParam<Case> {};

TEST_P(LayerBackward, MatchesFiniteDifferences) {
  Call call(GetParam());
  Gradients g(call);
  LayerRecord record;
  run(call, record, g.views(call));
  PlainLoss loss(call);
  expect_slopes(loss, loss.query, g.query, "d_query");
  if (call.c.named >= 2) expect_slopes(loss, loss.key, g.key, "d_key");
  if (call.c.named >= 3) expect_slopes(loss, loss.value, g.value, "d_value");
  for (std::size_t i = 0; i < kAttentionWeights; ++i) {
    const auto which = static_cast<Weight>(i);
    if (g.weights[i])
      expect_slopes(loss, loss.layer.weight(which), g.weights[i].span<float>(), name_of(which));
  }
  if (g.bias) expect_slopes(loss, loss.bias, g.bias.span<float>(), "d_bias");
  expect_slopes(loss, loss.gate, g.gate, "d_head_gate");
  if (!g.slopes.empty()) expect_slopes(loss, loss.layer.alibi_slopes(), g.slopes, "d_alibi_slopes");
}

TEST_P(LayerBackward, AddsToWhatIsThere) {
  Call call(GetParam());
  Gradients once(call), twice(call);
  LayerRecord record;
  run(call, record, once.views(call));
  run(call, record, twice.views(call));
  run(call, record, twice.views(call, GradientMode::add));
  const auto expect_double = [](std::span<const float> sum, std::span<const float> one) {
    for (std::size_t i = 0; i < one.size(); ++i)
      ASSERT_NEAR(sum[i], 2 * one[i], 1e-5f * (1 + std::fabs(one[i]))) << i;
  };
  for (std::size_t i = 0; i < kAttentionWeights; ++i)
    if (once.weights[i])
      expect_double(twice.weights[i].span<float>(), once.weights[i].span<float>());
  if (once.bias) expect_double(twice.bias.span<float>(), once.bias.span<float>());
  expect_double(twice.gate, once.gate);
  expect_double(twice.slopes, once.slopes);
  for (std::size_t i = 0; i < once.query.span<float>().size(); ++i)
    ASSERT_EQ(twice.query.span<float>()[i], once.query.span<float>()[i]);
}

INSTANTIATE_TEST_SUITE_P(Cases, LayerBackward, ::testing::ValuesIn(kCases),
                         [](const auto& of) { return std::string(of.param.name); });

TEST(LayerBackwardIdentities, NoTokensGiveZeroGradients) {
  const Case none{
      "none", {.d_model = 8, .n_heads = 2, .rotary = RotaryConfig{}, .qk_norm_eps = 1e-5f}, 0, 0};
  Call call(none);
  Gradients g(call);
  for (float& x : g.weights[0].span<float>()) x = 7;
  LayerRecord record;
  run(call, record, g.views(call));
  for (const float x : g.weights[0].span<float>()) EXPECT_EQ(x, 0);
}

/// The gradient of a bias of fewer extents is summed over those left out.
TEST(LayerBackwardIdentities, ABiasOfFewerExtentsGetsTheSum) {
  const Case biased{.name = "biased", .config = {.d_model = 8, .n_heads = 2}, .bias = true};
  Call four(biased), two(biased);
  two.bias = random_tensor({4, 4}, 25);
  for (std::size_t i = 0; i < 32; ++i) four.bias.span<float>()[i] = two.bias.span<float>()[i % 16];
  Gradients g4(four), g2(two);
  LayerRecord record;
  run(four, record, g4.views(four));
  run(two, record, g2.views(two));
  for (std::size_t i = 0; i < 16; ++i)
    EXPECT_NEAR(g2.bias.span<float>()[i], g4.bias.span<float>()[i] + g4.bias.span<float>()[16 + i],
                1e-5);
}

// A record keeps what forward computed: asking for z and lse with one gives what it gives without.
TEST(LayerBackwardIdentities, ARecordChangesNoOutput) {
  const Case c{"", {.d_model = 16, .n_heads = 2, .rotary = RotaryConfig{}, .qk_norm_eps = 1e-5f}};
  Call call(c);
  const Shape heads{kBatch, 4, 2, 8}, rows{kBatch, 2, 4};
  Tensor out(call.d_out.shape()), z(heads), lse(rows), out_kept(out.shape()), z_kept(heads),
      lse_kept(rows);
  LayerRecord record;
  call.layer.forward(call.query, out, {.requests = {.lse = lse, .z = z}});
  call.layer.forward(call.query, out_kept,
                     {.requests = {.lse = lse_kept, .z = z_kept}, .record = &record});
  for (const auto& [a, b] : {std::pair{&out, &out_kept}, {&z, &z_kept}, {&lse, &lse_kept}})
    EXPECT_TRUE(std::ranges::equal(a->span<float>(), b->span<float>()));
}

// Grouped heads are heads that share keys and values: the gradients of the copies add up.
TEST(LayerBackwardIdentities, GroupedEqualsExpanded) {
  const Case grouped_case{
      "", {.d_model = 24, .n_heads = 4, .n_kv_heads = 2, .head_dim = 6}, 37, 37};
  Case expanded_case = grouped_case;
  expanded_case.config.n_kv_heads = 4;
  Call grouped(grouped_case), expanded(expanded_case);
  const auto copies = [&](Weight which) {
    const TensorView from = grouped.layer.weight(which);
    const Shape shape = *weight_shape(expanded.config(), which);
    Tensor to(shape);
    const std::int64_t head = to.numel() / 4;
    for (std::int64_t h = 0; h < 4; ++h)
      std::copy_n(from.as<float>() + h / 2 * head, head, to.span<float>().data() + h * head);
    expanded.layer.set_weight(which, to);
  };
  for (const Weight which : {Weight::w_k, Weight::w_v, Weight::b_k, Weight::b_v}) copies(which);
  for (const Weight which : {Weight::w_q, Weight::w_o, Weight::b_q, Weight::b_o})
    expanded.layer.set_weight(which, grouped.layer.weight(which));
  Gradients a(grouped), b(expanded);
  LayerRecord record;
  run(grouped, record, a.views(grouped));
  run(expanded, record, b.views(expanded));
  for (const Weight which : {Weight::w_k, Weight::w_v, Weight::b_k, Weight::b_v}) {
    const auto one = a.weights[static_cast<std::size_t>(which)].span<float>();
    const auto more = b.weights[static_cast<std::size_t>(which)].span<float>();
    const std::size_t head = one.size() / 2;
    for (std::size_t i = 0; i < one.size(); ++i) {
      const std::size_t at = i / head * 2 * head + i % head;
      ASSERT_NEAR(one[i], more[at] + more[at + head], 1e-3f * (1 + std::fabs(one[i])))
          << name_of(which);
    }
  }
  for (std::size_t i = 0; i < a.query.span<float>().size(); ++i)
    ASSERT_NEAR(a.query.span<float>()[i], b.query.span<float>()[i], 1e-4f);
}

// Sequences behind each other give what they give one by one, in a batch with padding.
TEST(LayerBackwardIdentities, PackedEqualsPadded) {
  const Config config{.d_model = 24, .n_heads = 3, .rotary = RotaryConfig{}};
  const Case packed_case{"", config, 40, 40, 1, false, false, false, {}, {0, 13, 40}};
  const Case padded_case{"", config, 27, 27, 1, false, false, false, {13, 27}};
  Call packed(packed_case), padded(padded_case);
  // The padding's rows hold anything, and pass no gradient back.
  for (auto [from, to] :
       {std::pair{&packed.query, &padded.query}, {&packed.d_out, &padded.d_out}}) {
    const auto x = from->span<float>();
    const auto y = to->span<float>();
    if (to == &padded.d_out) std::ranges::fill(y, 0.0f);
    std::copy_n(x.begin(), 13 * 24, y.begin());
    std::copy_n(x.begin() + 13 * 24, 27 * 24, y.begin() + 27 * 24);
  }
  Gradients a(packed), b(padded);
  LayerRecord record;
  run(packed, record, a.views(packed));
  run(padded, record, b.views(padded));
  for (std::size_t i = 0; i < kAttentionWeights; ++i)
    for (std::size_t j = 0; a.weights[i] && j < a.weights[i].span<float>().size(); ++j)
      ASSERT_NEAR(a.weights[i].span<float>()[j], b.weights[i].span<float>()[j], 1e-3f);
  const auto x = a.query.span<float>(), y = b.query.span<float>();
  for (std::size_t i = 0; i < x.size(); ++i)
    ASSERT_NEAR(x[i], y[i < 13 * 24 ? i : i + 14 * 24], 1e-4f);
  for (std::size_t i = 13 * 24; i < 27 * 24; ++i) ASSERT_EQ(y[i], 0.0f) << "padding";
}

TEST(LayerBackwardIdentities, TheSameBitsAgainOnTwoThreads) {
  const Case c{"", {.d_model = 64, .n_heads = 1, .causal = Causal::bottom_right}, 300, 300};
  Call call(c);
  Gradients a(call), b(call);
  LayerRecord record;
  set_threads(2);
  run(call, record, a.views(call));
  run(call, record, b.views(call));
  set_threads(0);
  EXPECT_TRUE(std::ranges::equal(a.query.span<float>(), b.query.span<float>()));
  for (std::size_t i = 0; i < kAttentionWeights; ++i)
    if (a.weights[i]) {
      EXPECT_TRUE(std::ranges::equal(a.weights[i].span<float>(), b.weights[i].span<float>()));
    }
}

TEST(LayerBackwardErrors, RefuseWhatDoesNotFit) {
  const Case c{"", {.d_model = 8, .n_heads = 2}};
  Call call(c);
  Gradients g(call);
  LayerRecord record;
  const auto backward = [&](const LayerGradients& gradients) {
    call.layer.backward(call.query, record, gradients);
  };
  expect_error([&] { backward(g.views(call)); }, {"[layer]", "record is empty"});
  Tensor out(call.d_out.shape());
  call.layer.forward(call.query, out, {.record = &record});
  LayerGradients bad = g.views(call);
  bad.d_out = TensorView(call.d_out.span<float>().data(), {1, 4, 8});
  expect_error([&] { backward(bad); }, {"[layer]", "d_out [1, 4, 8]", "[2, 4, 8]"});
  bad = g.views(call);
  bad.d_key = g.key;
  expect_error([&] { backward(bad); }, {"d_key", "key was not given"});
  bad = g.views(call);
  bad.d_weights[static_cast<std::size_t>(Weight::sinks)] = g.query;
  expect_error([&] { backward(bad); }, {"sinks", "none"});
  bad = g.views(call);
  bad.d_weights[static_cast<std::size_t>(Weight::w_q)] = g.query;
  expect_error([&] { backward(bad); }, {"w_q", "[2, 4, 8]", "[8, 8]"});
  bad = g.views(call);
  bad.d_bias = g.query;
  expect_error([&] { backward(bad); }, {"d_bias", "no bias"});
  const Tensor longer = random_tensor({2, 5, 8}, 1);
  expect_error([&] { call.layer.backward(longer, record, g.views(call)); },
               {"[2, 5, 8]", "[2, 4, 8]", "record"});
  KvCache cache = call.layer.make_cache(2, 8);
  expect_error([&] { call.layer.forward(call.query, cache, out, {.record = &record}); },
               {"[layer]", "record", "cache"});
}

}  // namespace
}  // namespace headlight
