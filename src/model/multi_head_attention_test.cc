#include "model/multi_head_attention.h"

#include <gtest/gtest.h>

#include "model/layer_test_support.h"
#include "model/torch_masks.h"
#include "support/expect_error.h"

namespace headlight {
namespace {

using testing::expect_close;
using testing::expect_error;
using testing::Matrix;
using testing::PlainLayer;
using testing::PlainResult;
using testing::random_layer;
using testing::random_tensor;
using testing::rows_of;

using Config = MultiHeadAttentionConfig;
using Lengths = std::vector<std::int64_t>;

struct Inputs {
  Tensor query, key, value;
};

Inputs random_inputs(const Config& c, std::int64_t batch, std::int64_t q_len, std::int64_t kv_len) {
  return {random_tensor({batch, q_len, c.d_model}, 11), random_tensor({batch, kv_len, c.d_key}, 12),
          random_tensor({batch, kv_len, c.d_value}, 13)};
}

/// z [B, T, H, Dv] of one batch entry and head as rows.
Matrix head_rows(const Tensor& z, std::int64_t b, std::int64_t h) {
  Matrix rows;
  for (std::int64_t t = 0; t < z.dim(1); ++t) {
    const float* at = z.span<float>().data() + ((b * z.dim(1) + t) * z.dim(2) + h) * z.dim(3);
    rows.emplace_back(at, at + z.dim(3));
  }
  return rows;
}

struct Case {
  const char* name;
  Config config;
};

// Every option once, and the sizes that do not fit vectors.
const Case kSelfCases[] = {
    {"plain", {.d_model = 32, .n_heads = 4}},
    {"no_bias", {.d_model = 32, .n_heads = 4, .bias = {false, false, false, false}}},
    {"some_bias", {.d_model = 24, .n_heads = 3, .bias = {.q = false, .k = true, .v = false}}},
    {"grouped", {.d_model = 40, .n_heads = 6, .n_kv_heads = 2, .head_dim = 5}},
    {"one_kv_head", {.d_model = 32, .n_heads = 4, .n_kv_heads = 1}},
    {"wide_values", {.d_model = 21, .n_heads = 3, .head_dim = 7, .head_dim_v = 11, .d_out = 17}},
    {"causal", {.d_model = 32, .n_heads = 2, .causal = Causal::bottom_right}},
    {"top_left", {.d_model = 32, .n_heads = 2, .causal = Causal::top_left}},
    {"window", {.d_model = 32, .n_heads = 2, .causal = Causal::bottom_right, .window = {3, -1}}},
    {"window_both", {.d_model = 32, .n_heads = 2, .window = {2, 1}}},
    {"softcap", {.d_model = 32, .n_heads = 2, .scale = 0.7f, .softcap = 2}},
    {"alibi", {.d_model = 32, .n_heads = 4, .causal = Causal::bottom_right, .alibi = true}},
    {"alibi_of_six", {.d_model = 36, .n_heads = 6, .causal = Causal::bottom_right, .alibi = true}},
    {"sinks", {.d_model = 32, .n_heads = 4, .causal = Causal::bottom_right, .sinks = true}},
    {"rotary", {.d_model = 32, .n_heads = 4, .rotary = RotaryConfig{}}},
    {"rotary_part",
     {.d_model = 48,
      .n_heads = 4,
      .n_kv_heads = 2,
      .rotary = RotaryConfig{.theta = 500, .rotary_dim = 6, .layout = RopeLayout::interleaved},
      .causal = Causal::bottom_right}},
    {"rotary_stretched", {.d_model = 24, .n_heads = 4, .rotary = RotaryConfig{.linear_factor = 4}}},
    {"rotary_llama3",
     {.d_model = 64,
      .n_heads = 4,
      .rotary = RotaryConfig{.llama3 = Llama3Scaling{.factor = 5, .trained_len = 30}}}},
    {"qk_norm",
     {.d_model = 32,
      .n_heads = 4,
      .n_kv_heads = 2,
      .rotary = RotaryConfig{},
      .qk_norm_eps = 1e-5f}},
    {"added", {.d_model = 32, .n_heads = 4, .added_key_value = true}},
    {"zero", {.d_model = 32, .n_heads = 4, .zero_key_value = true}},
    {"added_all",
     {.d_model = 30,
      .n_heads = 6,
      .n_kv_heads = 3,
      .head_dim = 4,
      .head_dim_v = 3,
      .added_key_value = true,
      .zero_key_value = true,
      .rotary = RotaryConfig{},
      .causal = Causal::bottom_right}},
};

class SelfAttention : public ::testing::TestWithParam<Case> {};

TEST_P(SelfAttention, EqualsThePlainLayer) {
  for (const std::int64_t length : {1, 2, 7, 33}) {
    SCOPED_TRACE(length);
    MultiHeadAttention layer = random_layer(GetParam().config);
    const Config& c = layer.config();
    const Tensor x = random_tensor({3, length, c.d_model}, 5);
    Tensor out({3, length, c.d_out}), z({3, length, c.n_heads, c.head_dim_v});
    Tensor lse({3, c.n_heads, length}), pattern({length, c.added_keys() + length});
    const PatternRequest request{
        .batch = 1, .head = c.n_heads - 1, .row_end = length, .out = pattern};
    const std::int64_t heads[] = {request.head};
    Tensor tiled({3, 1, length, pattern.dim(1)});
    const AttentionStatistics statistics{.heads = heads, .pattern = tiled};
    layer.forward(
        x, out,
        {.requests = {.lse = lse, .z = z, .patterns = {&request, 1}, .statistics = &statistics}});
    for (std::int64_t b = 0; b < 3; ++b) {
      const Matrix rows = rows_of(x, b);
      const PlainResult plain = PlainLayer(layer).run({.query = rows, .key = rows, .value = rows});
      expect_close(plain.out, rows_of(out, b));
      expect_close(plain.lse, rows_of(lse, b));
      for (std::int64_t h = 0; h < c.n_heads; ++h)
        expect_close(plain.z[static_cast<std::size_t>(h)], head_rows(z, b, h));
      const auto matrix = [&](const float* row) {
        Matrix pattern_rows;
        for (std::int64_t i = 0; i < length; ++i, row += pattern.dim(1))
          pattern_rows.emplace_back(row, row + pattern.dim(1));
        return pattern_rows;
      };
      expect_close(plain.pattern.back(), matrix(tiled.span<float>().data() + b * pattern.numel()));
      if (b == 1) expect_close(plain.pattern.back(), matrix(pattern.span<float>().data()));
    }
  }
}

TEST_P(SelfAttention, PackedEqualsOneByOne) {
  MultiHeadAttention layer = random_layer(GetParam().config);
  const Config& c = layer.config();
  const Lengths offsets = {0, 5, 5, 6, 19};
  const Tensor x = random_tensor({1, 19, c.d_model}, 6);
  Tensor out({1, 19, c.d_out}), lse({1, c.n_heads, 19});
  layer.forward(x, out, {.cu_seqlens = offsets, .requests = {.lse = lse}});
  for (std::size_t s = 0; s + 1 < offsets.size(); ++s) {
    const std::int64_t begin = offsets[s], size = offsets[s + 1] - begin;
    const Matrix rows = rows_of(x, 0, begin, size);
    const PlainResult plain = PlainLayer(layer).run({.query = rows, .key = rows, .value = rows});
    expect_close(plain.out, rows_of(out, 0, begin, size));
    for (std::int64_t h = 0; h < c.n_heads; ++h) {
      const float* at = lse.span<float>().data() + h * 19 + begin;
      expect_close({plain.lse[static_cast<std::size_t>(h)]}, {{at, at + size}});
    }
  }
}

TEST_P(SelfAttention, CacheSplitEqualsWhole) {
  Config config = GetParam().config;
  // Without it later tokens would change earlier ones, which a cache does not compute again.
  config.causal = Causal::bottom_right;
  MultiHeadAttention layer = random_layer(config);
  const Config& c = layer.config();
  const std::int64_t length = 17;
  const Tensor x = random_tensor({2, length, c.d_model}, 7);
  Tensor whole({2, length, c.d_out}), split({2, length, c.d_out});
  layer.forward(x, whole);
  for (const Lengths& cuts : {Lengths{0, 17}, Lengths{0, 9, 10, 11, 17}, Lengths{0, 1, 2, 3, 17}}) {
    KvCache cache = layer.make_cache(2, length);
    for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
      const std::int64_t begin = cuts[i], size = cuts[i + 1] - begin;
      const TensorView part(x.span<float>().data() + begin * c.d_model, {2, size, c.d_model},
                            {length * c.d_model, c.d_model, 1});
      layer.forward(part, cache,
                    MutableTensorView(split.span<float>().data() + begin * c.d_out,
                                      {2, size, c.d_out}, {length * c.d_out, c.d_out, 1}));
    }
    EXPECT_EQ(cache.room(), 0);
    for (std::int64_t b = 0; b < 2; ++b) expect_close(rows_of(whole, b), rows_of(split, b));
  }
}

INSTANTIATE_TEST_SUITE_P(Options, SelfAttention, ::testing::ValuesIn(kSelfCases),
                         [](const auto& of) { return of.param.name; });

const Case kCrossCases[] = {
    {"plain", {.d_model = 32, .n_heads = 4}},
    {"same_widths", {.d_model = 32, .n_heads = 4, .d_key = 12, .d_value = 12}},
    {"all_widths",
     {.d_model = 20,
      .n_heads = 4,
      .n_kv_heads = 2,
      .head_dim = 6,
      .head_dim_v = 9,
      .d_key = 13,
      .d_value = 8,
      .d_out = 11}},
    {"causal", {.d_model = 32, .n_heads = 2, .causal = Causal::bottom_right}},
    {"added",
     {.d_model = 32, .n_heads = 4, .d_key = 7, .added_key_value = true, .zero_key_value = true}},
    {"added_causal",
     {.d_model = 32,
      .n_heads = 4,
      .added_key_value = true,
      .zero_key_value = true,
      .causal = Causal::bottom_right}},
    {"added_window",
     {.d_model = 32, .n_heads = 4, .added_key_value = true, .window = {.right = 1}}},
};

class CrossAttention : public ::testing::TestWithParam<Case> {};

TEST_P(CrossAttention, EqualsThePlainLayer) {
  MultiHeadAttention layer = random_layer(GetParam().config);
  const Config& c = layer.config();
  const Inputs in = random_inputs(c, 2, 5, 9);
  Tensor out({2, 5, c.d_out});
  layer.forward({.query = in.query, .key = in.key, .value = in.value}, out);
  for (std::int64_t b = 0; b < 2; ++b)
    expect_close(PlainLayer(layer)
                     .run({.query = rows_of(in.query, b),
                           .key = rows_of(in.key, b),
                           .value = rows_of(in.value, b)})
                     .out,
                 rows_of(out, b));
}

TEST_P(CrossAttention, PackedEqualsThePlainLayer) {
  MultiHeadAttention layer = random_layer(GetParam().config);
  const Config& c = layer.config();
  const Inputs in = random_inputs(c, 1, 7, 12);
  const Lengths of_queries = {0, 3, 7}, of_keys = {0, 4, 12};
  Tensor out({1, 7, c.d_out});
  layer.forward({.query = in.query, .key = in.key, .value = in.value}, out,
                {.cu_seqlens = of_queries, .cu_seqlens_key = of_keys});
  for (std::size_t s = 0; s < 2; ++s) {
    const std::int64_t q = of_queries[s], q_len = of_queries[s + 1] - q;
    const std::int64_t k = of_keys[s], kv_len = of_keys[s + 1] - k;
    expect_close(PlainLayer(layer)
                     .run({.query = rows_of(in.query, 0, q, q_len),
                           .key = rows_of(in.key, 0, k, kv_len),
                           .value = rows_of(in.value, 0, k, kv_len)})
                     .out,
                 rows_of(out, 0, q, q_len));
  }
}

/// Queries before the first key see the added keys alone, or nothing.
TEST_P(CrossAttention, OfMoreQueriesThanKeysEqualsThePlainLayer) {
  MultiHeadAttention layer = random_layer(GetParam().config);
  const Config& c = layer.config();
  const Inputs in = random_inputs(c, 1, 16, 6);
  const auto plain = [&](std::int64_t q, std::int64_t q_len, std::int64_t k, std::int64_t kv_len) {
    return PlainLayer(layer)
        .run({.query = rows_of(in.query, 0, q, q_len),
              .key = rows_of(in.key, 0, k, kv_len),
              .value = rows_of(in.value, 0, k, kv_len)})
        .out;
  };
  Tensor out({1, 16, c.d_out});
  layer.forward({.query = in.query, .key = in.key, .value = in.value}, out);
  expect_close(plain(0, 16, 0, 6), rows_of(out, 0));
  const Lengths of_queries = {0, 9, 12, 16}, of_keys = {0, 2, 2, 6};
  layer.forward({.query = in.query, .key = in.key, .value = in.value}, out,
                {.cu_seqlens = of_queries, .cu_seqlens_key = of_keys});
  expect_close(plain(0, 9, 0, 2), rows_of(out, 0, 0, 9));
  expect_close(plain(9, 3, 2, 0), rows_of(out, 0, 9, 3));
  expect_close(plain(12, 4, 2, 4), rows_of(out, 0, 12, 4));
}

INSTANTIATE_TEST_SUITE_P(Widths, CrossAttention, ::testing::ValuesIn(kCrossCases),
                         [](const auto& of) { return of.param.name; });

// An encoder's output is projected once and met by queries call after call.
TEST(Layer, AMemoryInACacheIsAttendedToWithoutGrowing) {
  for (const bool added : {false, true}) {
    SCOPED_TRACE(added);
    MultiHeadAttention layer = random_layer({.d_model = 16,
                                             .n_heads = 2,
                                             .d_key = 12,
                                             .d_value = 7,
                                             .added_key_value = added,
                                             .qk_norm_eps = 1e-5f});
    const Inputs in = random_inputs(layer.config(), 2, 4, 6);
    Tensor want({2, 4, 16}), whole({2, 4, 16}), paged({2, 4, 16});
    layer.forward({.query = in.query, .key = in.key, .value = in.value}, want);
    KvCache cache = layer.make_cache(2, 6);
    layer.append_keys(in.key, in.value, cache);
    PagedKvCache pages = layer.make_paged_cache(8, 4);
    const std::int64_t sequences[] = {pages.start(), pages.start()};
    layer.append_keys(in.key, in.value, pages, sequences);
    for (int again = 0; again < 2; ++again) {
      layer.forward(in.query, cache, whole, {.cache_only = true});
      layer.forward(in.query, pages, sequences, paged, {.cache_only = true});
      for (std::int64_t b = 0; b < 2; ++b) {
        expect_close(rows_of(want, b), rows_of(whole, b));
        expect_close(rows_of(want, b), rows_of(paged, b));
      }
    }
    EXPECT_EQ(cache.room(), 0);
    EXPECT_EQ(pages.length(sequences[1]), 6 + layer.config().added_keys());
    expect_error([&] { layer.append_keys(in.key, in.value, cache); }, {"key [2, 6, 12]", "taken"});
    expect_error([&] { layer.forward(in.query, whole, {.cache_only = true}); }, {"cache_only"});
    expect_error([&] { layer.append_keys(in.query, in.value, cache); }, {"key [2, 4, 16]", "12"});
  }
}

// Packed queries, each over the memory of its own sequence.
TEST(Layer, PackedQueriesMeetTheirOwnMemories) {
  MultiHeadAttention layer = random_layer({.d_model = 16, .n_heads = 2});
  const Tensor query = random_tensor({1, 5, 16}, 1), memory = random_tensor({2, 3, 16}, 2);
  PagedKvCache pages = layer.make_paged_cache(4, 4);
  const std::int64_t sequences[] = {pages.start(), pages.start()};
  layer.append_keys(memory, {}, pages, sequences);
  const Lengths offsets = {0, 1, 5};
  Tensor out({1, 5, 16});
  layer.forward(query, pages, sequences, out, {.cu_seqlens = offsets, .cache_only = true});
  for (std::int64_t s = 0; s < 2; ++s) {
    const std::int64_t begin = s, count = s == 0 ? 1 : 4;
    const Matrix keys = rows_of(memory, s);
    expect_close(PlainLayer(layer)
                     .run({.query = rows_of(query, 0, begin, count), .key = keys, .value = keys})
                     .out,
                 rows_of(out, 0, begin, count));
  }
}

TEST(Layer, MemoryAloneServesAsKeyAndValue) {
  MultiHeadAttention layer =
      random_layer({.d_model = 16, .n_heads = 2, .d_key = 12, .d_value = 12});
  const Tensor query = random_tensor({1, 4, 16}, 1), memory = random_tensor({1, 6, 12}, 2);
  Tensor out({1, 4, 16});
  layer.forward({.query = query, .key = memory}, out);
  expect_close(
      PlainLayer(layer)
          .run({.query = rows_of(query, 0), .key = rows_of(memory, 0), .value = rows_of(memory, 0)})
          .out,
      rows_of(out, 0));
}

// Masks and biases with and without added keys, in front of which a mask's columns are shifted.
TEST(Layer, MasksBiasesAndGates) {
  for (const bool added : {false, true}) {
    SCOPED_TRACE(added);
    MultiHeadAttention layer =
        random_layer({.d_model = 24, .n_heads = 4, .added_key_value = added});
    const Config& c = layer.config();
    const Tensor x = random_tensor({2, 9, 24}, 3), bias = random_tensor({1, 4, 9, 9}, 4);
    Tensor mask(DType::u8, {2, 1, 9, 9}), out({2, 9, 24});
    for (std::size_t i = 0; i < mask.span<std::uint8_t>().size(); ++i)
      mask.span<std::uint8_t>()[i] = i % 3 != 1 && i / 9 % 9 != 4;  // row 4 sees nothing
    const std::vector<float> gate = {1, 0, 0.25f, 1};
    layer.forward(x, out, {.mask = mask, .bias = bias, .head_gate = gate});
    for (std::int64_t b = 0; b < 2; ++b) {
      const auto at = [&](std::int64_t h, std::int64_t i, std::int64_t j) {
        return static_cast<std::size_t>((h * 9 + i) * 9 + j);
      };
      const Matrix rows = rows_of(x, b);
      const PlainResult plain = PlainLayer(layer).run(
          {.query = rows,
           .key = rows,
           .value = rows,
           .visible = [&](auto, auto i,
                          auto j) { return mask.span<std::uint8_t>()[at(b, i, j)] != 0; },
           .bias = [&](auto h, auto i, auto j) -> double {
             return static_cast<double>(bias.span<float>()[at(h, i, j)]);
           },
           .gate = {gate.begin(), gate.end()}});
      expect_close(plain.out, rows_of(out, b));
    }
    EXPECT_EQ(c.added_keys(), added ? 1 : 0);
  }
}

// Extents in front of a mask or bias may be left out: the result has the same bits.
TEST(Layer, MasksAndBiasesOfFewerExtents) {
  MultiHeadAttention layer = random_layer({.d_model = 24, .n_heads = 4});
  const Tensor x = random_tensor({2, 5, 24}, 3), bias = random_tensor({4, 5, 5}, 4);
  Tensor mask(DType::boolean, {5, 5});
  for (std::size_t i = 0; i < 25; ++i) mask.span<bool>()[i] = i % 3 != 1;
  const float* row = bias.span<float>().data();
  for (std::size_t rank = 1; rank <= 3; ++rank) {
    SCOPED_TRACE(rank);
    const Shape all{4, 5, 5};
    const Shape given(std::span(all.begin() + (3 - rank), all.end()));
    Shape four{1, 1, 1, 1};
    for (std::size_t d = 0; d < rank; ++d) four[4 - rank + d] = given[d];
    const auto* hidden = mask.span<bool>().data();
    const Shape rows(std::span(given.begin() + (rank == 3), given.end()));
    const Shape four_rows{1, 1, rank == 1 ? 1 : 5, 5};
    Tensor out({2, 5, 24}), again({2, 5, 24});
    layer.forward(x, out, {.mask = TensorView(hidden, rows), .bias = TensorView(row, given)});
    layer.forward(x, again, {.mask = TensorView(hidden, four_rows), .bias = TensorView(row, four)});
    EXPECT_EQ(rows_of(out, 0), rows_of(again, 0));
    EXPECT_EQ(rows_of(out, 1), rows_of(again, 1));
  }
}

TEST(Layer, AlibiSlopesAreThePapersUnlessSet) {
  MultiHeadAttention layer({.d_model = 12, .n_heads = 6, .alibi = true});
  const auto slopes = [&] {
    return std::vector<float>(layer.alibi_slopes().begin(), layer.alibi_slopes().end());
  };
  EXPECT_EQ(slopes(), (std::vector<float>{0x1p-2f, 0x1p-4f, 0x1p-6f, 0x1p-8f, 0x1p-1f, 0x1p-3f}));
  const std::vector<float> learnt = {6, 5, 4, 3, 2, 1};
  layer.set_alibi_slopes(learnt);
  EXPECT_EQ(slopes(), learnt);
  expect_error([&] { layer.set_alibi_slopes(std::span(learnt).first(5)); }, {"5", "6 heads"});
}

TEST(Layer, GoesOnWithoutItsPlainWeights) {
  MultiHeadAttention layer = random_layer({.d_model = 16, .n_heads = 2});
  const Tensor x = random_tensor({1, 4, 16}, 1), memory = random_tensor({1, 3, 16}, 2);
  Tensor before({1, 4, 16}), after({1, 4, 16}), heads({1, 4, 2, 16});
  expect_error([&] { layer.release_plain_weights(); }, {"nothing is packed"});
  layer.forward(x, before);
  layer.release_plain_weights();
  layer.forward(x, after);
  EXPECT_EQ(rows_of(before, 0), rows_of(after, 0));
  EXPECT_FALSE(layer.weight(AttentionWeight::w_q));
  EXPECT_TRUE(layer.weight(AttentionWeight::b_q));
  const Tensor w({16, 16});
  LayerRecord record;
  layer.forward(x, after, {.record = &record});
  const std::initializer_list<std::string_view> released = {"plain weights", "released"};
  expect_error([&] { layer.forward({.query = x, .key = memory}, after); }, released);
  expect_error([&] { layer.set_weight(AttentionWeight::w_q, w); }, released);
  expect_error([&] { layer.save("/nowhere"); }, released);
  expect_error([&] { layer.forward(x, after, {.requests = {.head_out = heads}}); }, released);
  expect_error([&] { layer.backward(x, record, {.d_out = before}); }, released);
}

// Padding is hidden whichever way the layer takes: shortened keys, or a mask where positions count.
TEST(Layer, KeyLengths) {
  const Config configs[] = {
      {.d_model = 24, .n_heads = 4},
      {.d_model = 24, .n_heads = 4, .causal = Causal::bottom_right},
      {.d_model = 24, .n_heads = 4, .added_key_value = true},
      {.d_model = 24, .n_heads = 4, .added_key_value = true, .window = {-1, 2}},
  };
  const Lengths lengths = {9, 4, 0};
  for (const Config& config : configs) {
    MultiHeadAttention layer = random_layer(config);
    Tensor x = random_tensor({3, 9, 24}, 3);
    Tensor out({3, 9, 24}), lse({3, 4, 9}), again({3, 9, 24});
    layer.forward(x, out, {.key_lengths = lengths, .requests = {.lse = lse}});
    Tensor ignore(DType::u8, {3, 9});
    for (std::int64_t i = 0; i < 27; ++i)
      ignore.span<std::uint8_t>()[static_cast<std::size_t>(i)] =
          i % 9 >= lengths[static_cast<std::size_t>(i / 9)];
    const Tensor mask = mask_from_torch_key_padding(ignore);
    layer.forward(x, again, {.mask = mask});
    for (std::int64_t b = 0; b < 3; ++b) {
      const Matrix rows = rows_of(x, b);
      const std::int64_t length = lengths[static_cast<std::size_t>(b)];
      const PlainResult plain = PlainLayer(layer).run(
          {.query = rows, .key = rows, .value = rows, .visible = [&](auto, auto, auto j) {
             return j < length;
           }});
      expect_close(plain.out, rows_of(out, b));
      expect_close(plain.out, rows_of(again, b));
      expect_close(plain.lse, rows_of(lse, b));
    }
  }
}

TEST(Layer, HeadsAddUpToTheOutput) {
  MultiHeadAttention layer =
      random_layer({.d_model = 20, .n_heads = 5, .n_kv_heads = 1, .head_dim_v = 3, .d_out = 7});
  const Tensor x = random_tensor({2, 6, 20}, 3);
  Tensor out({2, 6, 7}), head_out({2, 6, 5, 7});
  layer.forward(x, out, {.requests = {.head_out = head_out}});
  const auto* b_o = layer.weight(AttentionWeight::b_o).as<float>();
  for (std::int64_t row = 0; row < 12; ++row)
    for (std::int64_t o = 0; o < 7; ++o) {
      double sum = static_cast<double>(b_o[o]);
      for (std::int64_t h = 0; h < 5; ++h)
        sum += static_cast<double>(
            head_out.span<float>()[static_cast<std::size_t>((row * 5 + h) * 7 + o)]);
      EXPECT_NEAR(
          sum, static_cast<double>(out.span<float>()[static_cast<std::size_t>(row * 7 + o)]), 1e-5);
    }
}

TEST(Layer, MaySeeStridedInputsAndWriteStridedOutputs) {
  MultiHeadAttention layer = random_layer({.d_model = 16, .n_heads = 2});
  const Tensor x = random_tensor({4, 5, 40}, 3);
  Tensor out({4, 5, 30}), dense_x({2, 5, 16}), dense_out({2, 5, 16});
  const TensorView view(x.span<float>().data() + 8, {2, 5, 16}, {400, 40, 1});  // entries 0 and 2
  const MutableTensorView to(out.span<float>().data() + 4, {2, 5, 16}, {300, 30, 1});
  for (std::int64_t r = 0; r < 10; ++r)
    std::copy_n(view.as<float>() + r / 5 * 400 + r % 5 * 40, 16,
                dense_x.span<float>().data() + r * 16);
  layer.forward(view, to);
  layer.forward(dense_x, dense_out);
  for (std::int64_t r = 0; r < 10; ++r)
    for (std::int64_t i = 0; i < 16; ++i)
      EXPECT_NEAR(to.as<float>()[r / 5 * 300 + r % 5 * 30 + i],
                  dense_out.span<float>()[static_cast<std::size_t>(r * 16 + i)], 1e-5);
  EXPECT_EQ(out.span<float>()[0], 0);
  EXPECT_EQ(out.span<float>()[20], 0);
}

TEST(Layer, TheSameSeedIsTheSameLayer) {
  const Config config{.d_model = 16, .n_heads = 2};
  const MultiHeadAttention a(config, 3), b(config, 3), other(config, 4);
  const auto first = [](const MultiHeadAttention& l) {
    return l.weight(AttentionWeight::w_v).as<float>()[0];
  };
  EXPECT_EQ(first(a), first(b));
  EXPECT_NE(first(a), first(other));
  EXPECT_NE(first(a), a.weight(AttentionWeight::w_k).as<float>()[0]);
}

// The comparison must be able to fail: a layer off by one position, one weight or one key does.
TEST(Layer, AWrongLayerIsNoticed) {
  const Config config{.d_model = 32, .n_heads = 4, .rotary = RotaryConfig{}};
  MultiHeadAttention layer = random_layer(config);
  const Tensor x = random_tensor({1, 33, 32}, 5);
  Tensor out({1, 33, 32});
  layer.forward(x, out);
  const Matrix rows = rows_of(x, 0);
  const auto differs = [&](const MultiHeadAttention& wrong,
                           std::function<bool(std::int64_t, std::int64_t, std::int64_t)> visible) {
    const auto plain = PlainLayer(wrong).run(
        {.query = rows, .key = rows, .value = rows, .visible = std::move(visible)});
    return testing::largest_difference(plain.out, rows_of(out, 0)) > testing::kTolerance;
  };
  EXPECT_FALSE(differs(layer, {}));
  EXPECT_TRUE(differs(layer, [](auto, auto i, auto j) { return i != 32 || j != 0; }));
  Config interleaved = config;
  interleaved.rotary->layout = RopeLayout::interleaved;
  EXPECT_TRUE(differs(random_layer(interleaved), {}));
  MultiHeadAttention nudged = random_layer(config);
  Tensor weight = to_f32(nudged.weight(AttentionWeight::w_o));
  weight.span<float>()[0] += 0.01f;
  nudged.set_weight(AttentionWeight::w_o, weight);
  EXPECT_TRUE(differs(nudged, {}));
}

TEST(Layer, ReportsTheKernelThatRan) {
  MultiHeadAttention layer({.d_model = 16, .n_heads = 2});
  const Tensor x({1, 3, 16});
  Tensor out({1, 3, 16});
  EXPECT_EQ(layer.forward(x, out, {.kernel = "ref"}).kernel, "ref");
  expect_error([&] { layer.forward(x, out, {.kernel = "nope"}); }, {"[attention]", "nope"});
}

TEST(Layer, RefusesConfigurations) {
  expect_error([] { MultiHeadAttention({.d_model = 512, .n_heads = 7}); },
               {"[layer]", "n_heads 7 does not divide d_model 512; nearest divisors are 4 and 8"});
  expect_error([] { MultiHeadAttention({.d_model = 64, .n_heads = 8, .n_kv_heads = 3}); },
               {"n_kv_heads 3 does not divide n_heads 8; nearest divisors are 2 and 4"});
  expect_error([] { MultiHeadAttention({.d_model = 8, .n_heads = 9}); },
               {"n_heads 9 does not divide d_model 8; the nearest divisor is 8"});
  expect_error([] { MultiHeadAttention({.n_heads = 8}); }, {"d_model is 0"});
  expect_error([] { MultiHeadAttention({.d_model = 64, .n_heads = 8, .head_dim = -1}); },
               {"head_dim is -1"});
  expect_error(
      [] {
        MultiHeadAttention({.d_model = 64, .n_heads = 8, .rotary = RotaryConfig{.rotary_dim = 10}});
      },
      {"rotary_dim 10", "head_dim 8"});
  const auto llama3 = [](double factor) {
    return RotaryConfig{.linear_factor = factor, .llama3 = Llama3Scaling{.low_freq_factor = 4}};
  };
  expect_error([&] { MultiHeadAttention({.d_model = 8, .rotary = llama3(1)}); },
               {"low_freq_factor 4", "high_freq_factor 4"});
  expect_error([&] { MultiHeadAttention({.d_model = 8, .rotary = llama3(2)}); },
               {"linear_factor 2"});
  expect_error(
      [] {
        MultiHeadAttention({.d_model = 8, .added_key_value = true, .window = {2, 0}});
      },
      {"added keys (1)", "left window of 2"});
}

TEST(Layer, RefusesCalls) {
  MultiHeadAttention layer({.d_model = 16, .n_heads = 2});
  const Tensor x({2, 3, 16}), narrow({2, 3, 15}), mask(DType::u8, {2, 1, 3, 4});
  Tensor out({2, 3, 16}), small({2, 2, 16}), lse({2, 2, 4});
  const Lengths long_key = {3, 4}, one = {3}, short_offsets = {0, 2};
  expect_error([&] { layer.forward(narrow, out); }, {"query [2, 3, 15]", "[batch, length, 16]"});
  expect_error([&] { layer.forward(x, small); }, {"query [2, 3, 16]", "out [2, 2, 16]"});
  expect_error([&] { layer.forward(x, out, {.mask = mask}); },
               {"mask [2, 1, 3, 4]", "[2, 2, 3, 3]"});
  expect_error([&] { layer.forward(x, out, {.key_lengths = long_key}); }, {"key_lengths holds 4"});
  expect_error([&] { layer.forward(x, out, {.key_lengths = one}); }, {"1 key_lengths"});
  expect_error([&] { layer.forward(x, out, {.cu_seqlens = short_offsets}); }, {"one batch entry"});
  expect_error([&] { layer.forward(x, out, {.requests = {.lse = lse}}); },
               {"lse is f32 [2, 2, 4]", "[2, 2, 3]"});
  const Tensor packed({1, 3, 16});
  Tensor packed_out({1, 3, 16});
  expect_error([&] { layer.forward(packed, packed_out, {.cu_seqlens = short_offsets}); },
               {"cu_seqlens must run from 0 to the 3 tokens"});
  expect_error([&] { layer.set_weight(AttentionWeight::w_q, x); }, {"w_q [2, 3, 16]", "[16, 16]"});
  expect_error([&] { layer.set_weight(AttentionWeight::sinks, x); }, {"no sinks"});
}

TEST(Layer, AFullCacheIsRefusedAndLeftAsItWas) {
  MultiHeadAttention layer({.d_model = 16, .n_heads = 2, .causal = Causal::bottom_right});
  const Tensor x({1, 3, 16}), rest({1, 1, 16});
  Tensor out({1, 3, 16}), rest_out({1, 1, 16});
  KvCache cache = layer.make_cache(1, 4);
  layer.forward(x, cache, out);
  expect_error([&] { layer.forward(x, cache, out); }, {"query [1, 3, 16]", "3 of 4 keys"});
  expect_error([&] { layer.forward(rest, cache, rest_out, {.kernel = "nope"}); }, {"nope"});
  EXPECT_EQ(cache.length(), 3);
  layer.forward(rest, cache, rest_out);
  EXPECT_EQ(cache.length(), 4);
  MultiHeadAttention other({.d_model = 16, .n_heads = 4});
  expect_error([&] { other.forward(rest, cache, rest_out); }, {"not one of this layer"});
}

TEST(TorchMasks, KeepTheirMeaning) {
  Tensor never(DType::boolean, {4, 2, 3});
  static_cast<std::uint8_t*>(never.view().data())[5] = 1;
  const Tensor mask = mask_from_torch_attn_mask(never, 2);
  EXPECT_EQ(mask.shape(), (Shape{2, 2, 2, 3}));
  EXPECT_EQ(mask.span<std::uint8_t>()[5], 0);
  EXPECT_EQ(mask.span<std::uint8_t>()[4], 1);
  const Tensor additive({2, 3});
  EXPECT_EQ(bias_from_torch_attn_mask(additive, 2).shape(), (Shape{1, 1, 2, 3}));
  expect_error([&] { mask_from_torch_attn_mask(never, 3); }, {"[4, 2, 3]", "3 heads"});
  expect_error([&] { mask_from_torch_key_padding(additive); }, {"f32", "bool or u8"});
}

}  // namespace
}  // namespace headlight
