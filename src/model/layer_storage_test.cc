// A layer in 16 bits: what is rounded is what comes in, the weights, and what goes out.
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>

#include "io/safetensors.h"
#include "model/layer_test_support.h"
#include "support/expect_error.h"
#include "support/shared.h"
#include "support/tolerance.h"

namespace headlight {
namespace {

using testing::expect_close;
using testing::expect_error;
using testing::PlainLayer;
using testing::random_layer;
using testing::random_tensor;
using testing::rows_of;

using Config = MultiHeadAttentionConfig;

/// Half a unit in the last place of a number near 1, and a little for the fp32 sums before it.
double rounding_of(DType dtype) {
  return (dtype == DType::bf16 ? 0x1p-9 : 0x1p-12) * 2.02;
}

/// The same layer in fp32: with the rounded weights, or as it was before they were rounded.
MultiHeadAttention wide_layer(Config config, const MultiHeadAttention* rounded) {
  config.weight_dtype = DType::f32;
  MultiHeadAttention wide = random_layer(config);
  for (std::size_t i = 0; rounded && i < kAttentionWeights; ++i) {
    const auto which = static_cast<AttentionWeight>(i);
    if (const TensorView weight = rounded->weight(which)) wide.set_weight(which, weight);
  }
  return wide;
}

struct Case {
  const char* name;
  Config config;
};
const Case kCases[] = {
    {"plain", {.d_model = 48, .n_heads = 4}},
    {"grouped",
     {.d_model = 48,
      .n_heads = 4,
      .n_kv_heads = 2,
      .rotary = RotaryConfig{},
      .qk_norm_eps = 1e-5f,
      .causal = Causal::bottom_right}},
    {"added", {.d_model = 40, .n_heads = 5, .d_out = 24, .added_key_value = true}},
};

class HalfLayer : public ::testing::TestWithParam<std::tuple<Case, DType>> {
 protected:
  DType dtype() const { return std::get<DType>(GetParam()); }
  Config config() const {
    Config c = std::get<Case>(GetParam()).config;
    c.weight_dtype = dtype();
    return c;
  }
  /// fp32 copies of stored numbers.
  static Tensor wide(const Tensor& stored) { return to_f32(stored); }
};

TEST_P(HalfLayer, IsTheFp32LayerOfTheRoundedWeightsRounded) {
  for (const std::int64_t length : {1, 9, 40}) {
    SCOPED_TRACE(length);
    MultiHeadAttention layer = random_layer(config());
    const Config& c = layer.config();
    const Tensor x = to_dtype(dtype(), random_tensor({2, length, c.d_model}, 5));
    Tensor out(dtype(), {2, length, c.d_out}), out32({2, length, c.d_out});
    layer.forward(x, out);
    layer.forward(x, out32);
    const Tensor x32 = wide(x);
    for (std::int64_t b = 0; b < 2; ++b) {
      const auto rows = rows_of(x32, b);
      const MultiHeadAttention exact = wide_layer(config(), &layer);
      const auto plain = PlainLayer(exact).run({.query = rows, .key = rows, .value = rows});
      expect_close(plain.out, rows_of(out32, b));
    }
    const Tensor rounded = to_dtype(dtype(), out32);
    EXPECT_EQ(std::memcmp(rounded.view().data(), std::as_const(out).view().data(), out.bytes()), 0);
  }
}

// Against the layer that rounds nothing. Rounding x and each of the two matrices on its way to an
// output moves it by a few roundings of its own size, of which only the sums' cancellations differ.
TEST_P(HalfLayer, StaysCloseToTheFp32Layer) {
  MultiHeadAttention layer = random_layer(config()), exact = wide_layer(config(), nullptr);
  const Config& c = layer.config();
  const Tensor x = random_tensor({1, 40, c.d_model}, 5), stored = to_dtype(dtype(), x);
  Tensor out(dtype(), {1, 40, c.d_out}), want({1, 40, c.d_out});
  layer.forward(stored, out);
  exact.forward(x, want);
  const double error = testing::largest_difference(rows_of(want, 0), rows_of(wide(out), 0));
  EXPECT_LT(error, 4 * rounding_of(dtype()));
  EXPECT_GT(error, rounding_of(dtype()) / 16);
}

TEST_P(HalfLayer, KeepsItsWeightsInAFile) {
  const std::filesystem::path folder = testing::scratch_folder();
  MultiHeadAttention saved = random_layer(config());
  const Tensor x = to_dtype(dtype(), random_tensor({1, 7, saved.config().d_model}, 5));
  Tensor out({1, 7, saved.config().d_out}), again(out.shape());
  saved.forward(x, out);                                      // from here on the weights are packed
  const bool llama = saved.config().qk_norm_eps.has_value();  // PyTorch has no place for norms
  const WeightNames names = llama ? WeightNames::llama : WeightNames::torch;
  saved.save(folder / "layer.safetensors", names);
  EXPECT_EQ(SafetensorsFile(folder / "layer.safetensors")
                .tensor(llama ? "o_proj.weight" : "out_proj.weight")
                .dtype(),
            dtype());
  MultiHeadAttention loaded =
      MultiHeadAttention::load(folder / "layer.safetensors", config(), names);
  std::filesystem::remove_all(folder);
  for (const AttentionWeight which :
       {AttentionWeight::w_q, AttentionWeight::w_v, AttentionWeight::w_o}) {
    const TensorView a = saved.weight(which), b = loaded.weight(which);
    ASSERT_EQ(a.dtype(), dtype());
    ASSERT_EQ(b.dtype(), dtype());
    EXPECT_EQ(
        std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.numel()) * size_of(dtype())), 0);
  }
  loaded.forward(x, again);
  EXPECT_TRUE(std::ranges::equal(out.span<float>(), again.span<float>()));
}

INSTANTIATE_TEST_SUITE_P(Options, HalfLayer,
                         ::testing::Combine(::testing::ValuesIn(kCases),
                                            ::testing::Values(DType::bf16, DType::f16)),
                         [](const auto& of) {
                           return std::string(std::get<0>(of.param).name) + "_" +
                                  std::string(name_of(std::get<1>(of.param)));
                         });

TEST(HalfLayerCalls, TakeStridedRowsCrossAttentionAndCaches) {
  MultiHeadAttention layer = random_layer(
      {.d_model = 16, .n_heads = 2, .d_key = 12, .d_value = 12, .weight_dtype = DType::bf16});
  const Tensor query = to_dtype(DType::bf16, random_tensor({2, 3, 16}, 1)),
               memory = to_dtype(DType::bf16, random_tensor({2, 5, 24}, 2));
  const TensorView narrow_memory(memory.view().data(), DType::bf16, {2, 5, 12}, {120, 24, 1});
  Tensor out(DType::bf16, {2, 3, 32}), query32 = to_f32(query), memory32 = to_f32(memory);
  const MutableTensorView strided(out.view().data(), DType::bf16, {2, 3, 16}, {96, 32, 1});
  layer.forward({.query = query, .key = narrow_memory}, strided);
  Tensor want({2, 3, 16});
  layer.forward({.query = query32,
                 .key = TensorView(memory32.span<float>().data(), {2, 5, 12}, {120, 24, 1})},
                want);
  const Tensor rounded = to_dtype(DType::bf16, want);
  for (std::int64_t r = 0; r < 6; ++r)
    for (std::int64_t i = 0; i < 16; ++i)
      EXPECT_EQ(out.span<BFloat16>()[static_cast<std::size_t>(r * 32 + i)].bits,
                rounded.span<BFloat16>()[static_cast<std::size_t>(r * 16 + i)].bits);
  EXPECT_EQ(out.span<BFloat16>()[16].bits, 0);

  MultiHeadAttention decoder = random_layer(
      {.d_model = 16, .n_heads = 2, .causal = Causal::bottom_right, .weight_dtype = DType::bf16});
  const Tensor x = to_dtype(DType::bf16, random_tensor({1, 6, 16}, 3));
  Tensor whole(DType::bf16, {1, 6, 16}), split(DType::bf16, {1, 6, 16});
  decoder.forward(x, whole);
  KvCache cache = decoder.make_cache(1, 6, DType::bf16);
  for (std::int64_t t = 0; t < 6; ++t) {
    const TensorView one(std::as_const(x).span<BFloat16>().data() + t * 16, {1, 1, 16});
    decoder.forward(one, cache,
                    MutableTensorView(split.span<BFloat16>().data() + t * 16, {1, 1, 16}));
  }
  EXPECT_LT(testing::largest_difference(rows_of(to_f32(whole), 0), rows_of(to_f32(split), 0)),
            2e-2);
}

// The gradients of a layer in 16 bits are those of the fp32 layer of its weights and inputs.
TEST(HalfLayerCalls, HaveGradientsInFp32) {
  const MultiHeadAttentionConfig config{
      .d_model = 16, .n_heads = 2, .d_key = 12, .d_value = 12, .weight_dtype = DType::bf16};
  MultiHeadAttention half = random_layer(config);
  MultiHeadAttentionConfig wide_config = config;
  wide_config.weight_dtype = DType::f32;
  MultiHeadAttention wide(wide_config);
  for (std::size_t i = 0; i < kAttentionWeights; ++i)
    if (const TensorView w = half.weight(static_cast<AttentionWeight>(i)))
      wide.set_weight(static_cast<AttentionWeight>(i), w);
  const Tensor query = to_dtype(DType::bf16, random_tensor({2, 3, 16}, 1)),
               memory = to_dtype(DType::bf16, random_tensor({2, 5, 12}, 2)),
               d_out = to_dtype(DType::bf16, random_tensor({2, 3, 16}, 3));
  const Tensor query32 = to_f32(query), memory32 = to_f32(memory), d_out32 = to_f32(d_out);
  const auto gradients = [](MultiHeadAttention& layer, LayerInputs in, TensorView of_out) {
    std::vector<Tensor> all;
    for (const Shape& shape : {Shape{2, 3, 16}, Shape{2, 5, 12}, Shape{16, 16}, Shape{16, 12},
                               Shape{16, 12}, Shape{16, 16}})
      all.emplace_back(shape);
    LayerRecord record;
    Tensor out({2, 3, 16});
    layer.forward(in, out, {.record = &record});
    layer.backward(in, record,
                   {.d_out = of_out,
                    .d_query = all[0],
                    .d_key = all[1],
                    .d_weights = {all[2], all[3], all[4], all[5]}});
    return all;
  };
  const auto a = gradients(half, {.query = query, .key = memory}, d_out);
  const auto b = gradients(wide, {.query = query32, .key = memory32}, d_out32);
  for (std::size_t i = 0; i < a.size(); ++i)
    EXPECT_LT(testing::largest_difference({{b[i].span<float>().begin(), b[i].span<float>().end()}},
                                          {{a[i].span<float>().begin(), a[i].span<float>().end()}}),
              1e-5)
        << i;
}

TEST(HalfLayerCalls, ThatDoNotFitAreNamed) {
  MultiHeadAttention layer({.d_model = 16, .n_heads = 2, .weight_dtype = DType::bf16});
  const Tensor x(DType::bf16, {1, 3, 16}), x32({1, 3, 16}), key(DType::f16, {1, 4, 16});
  Tensor out(DType::bf16, {1, 3, 16}), half(DType::f16, {1, 3, 16}), out32({1, 3, 16});
  expect_error([&] { layer.forward(x, half); },
               {"out [1, 3, 16] is f16", "query is bf16", "or as f32"});
  expect_error([&] { layer.forward(x32, out); }, {"is bf16", "query is f32"});
  expect_error([&] { layer.forward({.query = x, .key = key}, out); }, {"query is bf16", "key f16"});
  LayerRecord record;
  layer.forward(x, out, {.record = &record});
  expect_error([&] { layer.backward(x, record, {.d_out = out, .d_query = out}); },
               {"d_query", "bf16", "f32"});
  expect_error([] { MultiHeadAttention({.d_model = 16, .weight_dtype = DType::i8}); },
               {"weight_dtype is i8", "f32, bf16 or f16"});
}

}  // namespace
}  // namespace headlight
