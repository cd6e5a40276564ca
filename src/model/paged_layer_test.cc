// The layer over a paged cache: what comes in pieces, and in any company, equals the whole.
#include <gtest/gtest.h>

#include <array>
#include <numeric>

#include "model/layer_test_support.h"
#include "support/expect_error.h"
#include "support/tolerance.h"

namespace headlight {
namespace {

using testing::expect_close;
using testing::expect_error;
using testing::Matrix;
using testing::PlainLayer;
using testing::random_layer;
using testing::random_tensor;
using testing::rows_of;

using Config = MultiHeadAttentionConfig;
using Ids = std::vector<std::int64_t>;

constexpr std::int64_t kModel = 32;

/// Tokens [begin, begin + count) of a sequence.
struct Piece {
  std::size_t sequence;
  std::int64_t begin, count;
};

/// Three sequences, and the outputs of their tokens as calls bring them.
class Sequences {
 public:
  Sequences(MultiHeadAttention& layer, PagedKvCache& cache)
      : layer_(layer),
        cache_(cache),
        x_(random_tensor({3, kLongest, kModel}, 5)),
        out_(x_.shape()) {
    for (std::int64_t& id : ids_) id = cache.start();
  }

  /// One call for the next tokens of some sequences, as many of each.
  void step(const std::vector<std::size_t>& sequences, std::int64_t count) {
    std::vector<Piece> pieces;
    for (const std::size_t s : sequences) pieces.push_back({s, lengths_[s], count});
    call(pieces, Shape{std::ssize(pieces), count, kModel}, {});
  }
  /// One packed call for any number of each.
  void packed(const std::vector<std::pair<std::size_t, std::int64_t>>& counts) {
    std::vector<Piece> pieces;
    Ids offsets{0};
    for (const auto& [s, count] : counts) {
      pieces.push_back({s, lengths_[s], count});
      offsets.push_back(offsets.back() + count);
    }
    call(pieces, Shape{1, offsets.back(), kModel}, offsets);
  }

  std::int64_t length(std::size_t s) const { return lengths_[s]; }
  std::int64_t id(std::size_t s) const { return ids_[s]; }
  Matrix inputs(std::size_t s) const {
    return rows_of(x_, static_cast<std::int64_t>(s), 0, lengths_[s]);
  }
  Matrix outputs(std::size_t s) const {
    return rows_of(out_, static_cast<std::int64_t>(s), 0, lengths_[s]);
  }

  static constexpr std::int64_t kLongest = 90;

 private:
  float* row(Tensor& of, const Piece& piece) const {
    const auto s = static_cast<std::int64_t>(piece.sequence);
    return of.span<float>().data() + (s * kLongest + piece.begin) * kModel;
  }

  void call(const std::vector<Piece>& pieces, const Shape& shape, const Ids& offsets) {
    Tensor x(shape), out(shape);
    Ids ids;
    float* to = x.span<float>().data();
    for (const Piece& piece : pieces) {
      to = std::copy_n(row(x_, piece), piece.count * kModel, to);
      ids.push_back(ids_[piece.sequence]);
    }
    layer_.forward(x, cache_, ids, out, {.cu_seqlens = offsets});
    const float* from = out.span<float>().data();
    for (const Piece& piece : pieces) {
      std::copy_n(from, piece.count * kModel, row(out_, piece));
      from += piece.count * kModel;
      lengths_[piece.sequence] += piece.count;
    }
  }

  MultiHeadAttention& layer_;
  PagedKvCache& cache_;
  Tensor x_, out_;
  std::array<std::int64_t, 3> ids_{}, lengths_{};
};

struct Case {
  const char* name;
  Config config;
};

const Case kCases[] = {
    {"plain", {.d_model = kModel, .n_heads = 4}},
    {"grouped_rotary",
     {.d_model = kModel,
      .n_heads = 4,
      .n_kv_heads = 2,
      .rotary = RotaryConfig{},
      .qk_norm_eps = 1e-5f}},
    {"alibi", {.d_model = kModel, .n_heads = 4, .alibi = true}},
    {"window", {.d_model = kModel, .n_heads = 2, .window = {30, -1}}},
    {"sinks_softcap", {.d_model = kModel, .n_heads = 4, .softcap = 2, .sinks = true}},
    {"added",
     {.d_model = kModel,
      .n_heads = 4,
      .n_kv_heads = 1,
      .head_dim_v = 5,
      .added_key_value = true,
      .zero_key_value = true,
      .rotary = RotaryConfig{}}},
};

class PagedLayer : public ::testing::TestWithParam<Case> {
 protected:
  /// Without causality later tokens would change earlier ones, which a cache does not compute
  /// again.
  static Config config() {
    Config c = GetParam().config;
    c.causal = Causal::bottom_right;
    return c;
  }
};

/// Prompts, single tokens and several, in one shape and packed, some sequences left out.
void bring_in_pieces(Sequences& sequences) {
  sequences.packed({{0, 50}, {1, 1}, {2, 0}});
  sequences.step({1, 0}, 1);
  sequences.packed({{2, 9}, {0, 1}, {1, 3}});
  sequences.step({0, 1, 2}, 1);
  sequences.step({2, 0, 1}, 12);
  sequences.packed({{2, 1}, {1, 1}, {0, 1}});
}

TEST_P(PagedLayer, InPiecesEqualsThePlainLayerOnEachSequence) {
  for (const std::int64_t page_len : {5, 64}) {
    SCOPED_TRACE(page_len);
    MultiHeadAttention layer = random_layer(config());
    PagedKvCache cache = layer.make_paged_cache(page_len == 64 ? 5 : 30, page_len);
    Sequences sequences(layer, cache);
    bring_in_pieces(sequences);
    for (const std::size_t s : {0, 1, 2}) {
      EXPECT_EQ(cache.length(sequences.id(s)), layer.config().added_keys() + sequences.length(s));
      const Matrix rows = sequences.inputs(s);
      const auto plain = PlainLayer(layer).run({.query = rows, .key = rows, .value = rows});
      expect_close(plain.out, sequences.outputs(s));
    }
  }
}

TEST_P(PagedLayer, OfEveryStorageGivesWhatAContiguousCacheDoes) {
  MultiHeadAttention layer = random_layer(config());
  for (const DType dtype : {DType::f32, DType::bf16, DType::f16, DType::i8}) {
    SCOPED_TRACE(name_of(dtype));
    PagedKvCache cache = layer.make_paged_cache(5, 64, dtype);
    Sequences sequences(layer, cache);
    bring_in_pieces(sequences);
    for (const std::size_t s : {0, 1, 2}) {
      KvCache whole = layer.make_cache(1, sequences.length(s), dtype);
      Tensor x({1, sequences.length(s), kModel}), out(x.shape());
      float* to = x.span<float>().data();
      for (const auto& row : sequences.inputs(s))
        to = std::ranges::transform(row, to, [](double v) { return static_cast<float>(v); }).out;
      layer.forward(x, whole, out);
      expect_close(rows_of(out, 0), sequences.outputs(s));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Options, PagedLayer, ::testing::ValuesIn(kCases),
                         [](const auto& of) { return of.param.name; });

TEST(PagedLayerCalls, MasksAndBiasesReachOverTheLongestSequence) {
  MultiHeadAttention layer =
      random_layer({.d_model = kModel, .n_heads = 2, .zero_key_value = true});
  PagedKvCache cache = layer.make_paged_cache(6, 8);
  const Ids ids{cache.start(), cache.start()};
  const Ids offsets{0, 9, 11};
  const Tensor x = random_tensor({1, 11, kModel}, 1), more = random_tensor({2, 2, kModel}, 2);
  Tensor first(x.shape()), out(more.shape());
  layer.forward(x, cache, ids, first, {.cu_seqlens = offsets});
  Tensor mask(DType::u8, {2, 1, 2, 11});
  for (std::size_t i = 0; i < 44; ++i) mask.span<std::uint8_t>()[i] = i % 3 != 1;
  const Tensor bias = random_tensor({1, 2, 2, 11}, 3);
  layer.forward(more, cache, ids, out, {.mask = mask, .bias = bias});
  for (std::int64_t s = 0; s < 2; ++s) {
    Matrix keys = rows_of(x, 0, offsets[static_cast<std::size_t>(s)], s == 0 ? 9 : 2);
    const Matrix queries = rows_of(more, s);
    keys.insert(keys.end(), queries.begin(), queries.end());
    const auto at = [](std::int64_t a, std::int64_t i, std::int64_t j) {
      return static_cast<std::size_t>((a * 2 + i) * 11 + j);
    };
    const auto plain = PlainLayer(layer).run(
        {.query = queries,
         .key = keys,
         .value = keys,
         .visible = [&](auto, auto i,
                        auto j) { return mask.span<std::uint8_t>()[at(s, i, j)] != 0; },
         .bias = [&](auto h, auto i, auto j) -> double {
           return static_cast<double>(bias.span<float>()[at(h, i, j)]);
         }});
    expect_close(plain.out, rows_of(out, s));
  }
}

TEST(PagedLayerCalls, ThatDoNotFitAreNamedAndChangeNothing) {
  MultiHeadAttention layer = random_layer(
      {.d_model = 16, .n_heads = 2, .added_key_value = true, .causal = Causal::bottom_right});
  PagedKvCache cache = layer.make_paged_cache(3, 4);
  const Ids ids{cache.start(), cache.start()}, twice{ids[0], ids[0]}, one{ids[0]}, gone{ids[0], 7};
  const Tensor x({2, 3, 16}), long_x({2, 6, 16});
  Tensor out({2, 3, 16}), long_out({2, 6, 16});
  expect_error([&] { layer.forward(long_x, cache, ids, long_out); },
               {"[layer]", "[2, 6, 16]", "4 more pages", "3 of 3"});
  expect_error([&] { layer.forward(x, cache, twice, out); }, {"sequence 0", "named twice"});
  expect_error([&] { layer.forward(x, cache, one, out); }, {"1 sequences", "[2, 3, 16]"});
  expect_error([&] { layer.forward(x, cache, gone, out); }, {"no sequence 7"});
  expect_error([&] { layer.forward(x, cache, ids, out, {.kernel = "nope"}); }, {"nope"});
  const Ids offsets{0, 3}, lengths{3, 3};
  expect_error([&] { layer.forward(x, cache, ids, out, {.key_lengths = lengths}); },
               {"key_lengths with a cache"});
  expect_error([&] { layer.forward(x, cache, ids, out, {.cu_seqlens = offsets}); },
               {"one batch entry"});
  LayerRecord record;
  expect_error([&] { layer.forward(x, cache, ids, out, {.record = &record}); }, {"record"});
  EXPECT_EQ(cache.length(ids[0]), 0);
  EXPECT_EQ(cache.free_pages(), 3);
  MultiHeadAttention other({.d_model = 16, .n_heads = 4});
  expect_error([&] { other.forward(x, cache, ids, out); },
               {"not one of this layer", "make_paged_cache"});
  layer.forward(x, cache, ids, out);
  EXPECT_EQ(cache.length(ids[1]), 4);
  EXPECT_EQ(cache.free_pages(), 1);
  PagedKvCache strange = other.make_paged_cache(3, 4);
  MultiHeadAttention adds_two(
      {.d_model = 16, .n_heads = 4, .added_key_value = true, .zero_key_value = true});
  const Ids short_one{strange.start()};
  const Tensor token({1, 1, 16});
  Tensor token_out({1, 1, 16});
  other.forward(token, strange, short_one, token_out);
  expect_error([&] { adds_two.forward(token, strange, short_one, token_out); },
               {"holds 1 keys", "adds 2", "empty one"});
}

}  // namespace
}  // namespace headlight
