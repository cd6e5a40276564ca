// What a damaged or foreign checkpoint is refused with, and what is read past.
#include "model/weights.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"
#include "model/transformer.h"
#include "support/expect_error.h"
#include "support/shared.h"
#include "support/tiny_model.h"

namespace headlight {
namespace {
using testing::TinyModel;

Transformer load(const TinyModel& model, const testing::WriteOptions& options = {}) {
  const auto folder = testing::scratch_folder();
  testing::write_model(model, folder, options);
  return Transformer::load(folder);
}

/// The message that a model is refused with must hold all of `parts`, on one line.
void expect_refused(const TinyModel& model, const std::vector<std::string>& parts,
                    const testing::WriteOptions& options = {}) {
  try {
    load(model, options);
    FAIL() << "accepted; expected a refusal with " << parts.front();
  } catch (const Error& e) {
    const std::string message = e.what();
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    for (const std::string& part : parts)
      EXPECT_NE(message.find(part), std::string::npos) << "no " << part << " in: " << message;
  }
}

TEST(Weights, CountsParametersOnce) {
  const TinyModel tiny = testing::tiny_gpt2();
  std::int64_t expected = 0;
  for (const auto& [name, tensor] : tiny.tensors) expected += tensor.numel();
  EXPECT_EQ(load(tiny).n_parameters(), expected);
}

TEST(Weights, MissingTensor) {
  TinyModel tiny = testing::tiny_gpt2();
  tiny.tensors.erase("h.1.attn.c_proj.weight");
  expect_refused(tiny,
                 {"\"h.1.attn.c_proj.weight\" [12, 12] of a gpt2 model with 2 layers is missing"});
  expect_refused(tiny, {"\"transformer.h.1.attn.c_proj.weight\""},
                 {.dtype = DType::f32, .prefix = "transformer.", .shards = 1});
  TinyModel bias = testing::tiny_llama({{"attention_bias", true}});
  bias.tensors.erase("layers.0.self_attn.k_proj.bias");
  expect_refused(bias, {"layers.0.self_attn.k_proj.bias", "missing"});
  TinyModel head = testing::tiny_llama();
  head.tensors.erase("lm_head.weight");
  expect_refused(head, {"lm_head.weight", "missing"});
}

TEST(Weights, CountingReadsNoValuesAndRefusesTheSame) {
  TinyModel tiny = testing::tiny_llama();
  const auto folder = testing::scratch_folder();
  const auto count = [&] {
    write_model(tiny, folder);
    return count_parameters(folder, read_config(folder));
  };
  EXPECT_EQ(count(), load(tiny).n_parameters());
  tiny.tensors["norm.weight"].span<float>()[0] = NAN;
  EXPECT_EQ(count(), load(testing::tiny_llama()).n_parameters());
  tiny.tensors["norm.weight"] = Tensor({5});
  testing::expect_error([&] { count(); }, {"norm.weight", "[5]", "[12]"});
}

TEST(Weights, WrongShapeNamesBothAndTheFile) {
  TinyModel tiny = testing::tiny_llama();
  tiny.tensors["layers.1.mlp.up_proj.weight"] = Tensor({12, 20});
  expect_refused(tiny,
                 {"model.safetensors", "layers.1.mlp.up_proj.weight", "[12, 20]", "[20, 12]"});
  TinyModel bert = testing::tiny_bert();
  bert.config["vocab_size"] = 30000;
  expect_refused(bert, {"embeddings.word_embeddings.weight", "[17, 12]", "[30000, 12]"});
}

TEST(Weights, NotANumberNamesTheIndex) {
  TinyModel tiny = testing::tiny_bert();
  auto values = tiny.tensors["encoder.layer.1.output.dense.weight"].span<float>();
  values[37] = NAN;
  expect_refused(tiny, {"encoder.layer.1.output.dense.weight", "nan at index 37"});
  values[37] = -INFINITY;
  expect_refused(tiny, {"-inf at index 37"});
  expect_refused(tiny, {"-inf at index 37"}, {.dtype = DType::f16, .prefix = "", .shards = 1});
}

TEST(Weights, WrongDType) {
  TinyModel tiny = testing::tiny_gpt2();
  tiny.tensors["wpe.weight"] = Tensor(DType::i64, {9, 12});
  expect_refused(tiny, {"wpe.weight", "i64", "f32, f16, bf16"});
}

TEST(Weights, AStrangerInsideABlockIsAnotherArchitecture) {
  TinyModel tiny = testing::tiny_llama();
  tiny.tensors["layers.0.self_attn.q_norm.weight"] = Tensor({6});
  expect_refused(tiny, {"layers.0.self_attn.q_norm.weight", "not part of a llama model"});
  TinyModel cut = testing::tiny_gpt2();
  cut.config["n_layer"] = 1;
  expect_refused(cut, {"\"h.1.", "gpt2 model of 1 layers"});
}

TEST(Weights, HeadsForOtherTasksAndBuffersAreReadPast) {
  TinyModel bert = testing::tiny_bert();
  const std::int64_t n = load(bert).n_parameters();
  bert.tensors["classifier.weight"] = Tensor({2, 12});
  bert.tensors["embeddings.position_ids"] = Tensor(DType::i64, {1, 9});
  bert.tensors["pooler.dense.weight"] = Tensor({12, 12});
  bert.tensors["pooler.dense.bias"] = Tensor({12});
  const Transformer with_pooler = load(bert);
  EXPECT_EQ(with_pooler.n_parameters(), n + 12 * 12 + 12) << "the pooler counts, a classifier not";
  EXPECT_EQ(with_pooler.unused_tensors(), std::vector<std::string>{"classifier.weight"});

  TinyModel gpt2 = testing::tiny_gpt2();
  gpt2.tensors["h.0.attn.bias"] = Tensor(DType::u8, {1, 1, 9, 9});
  gpt2.tensors["h.0.attn.masked_bias"] = Tensor({1});
  EXPECT_TRUE(load(gpt2).unused_tensors().empty());
  gpt2.tensors["lm_head.weight"] = Tensor({17, 12});  // a tied head stored again
  EXPECT_EQ(load(gpt2).unused_tensors(), std::vector<std::string>{"lm_head.weight"});

  TinyModel llama = testing::tiny_llama();
  llama.tensors["layers.1.self_attn.rotary_emb.inv_freq"] = Tensor({3});
  EXPECT_TRUE(load(llama).unused_tensors().empty());
}

TEST(Weights, WOIsTheOutputProjectionByHeads) {
  const TinyModel tiny = testing::tiny_llama({{"attention_bias", true}});
  const Transformer model = load(tiny);
  const TensorView w_o = model.w_o(1);
  ASSERT_EQ(w_o.shape(), Shape({24, 12}));
  const Tensor& stored = tiny.tensors.at("layers.1.self_attn.o_proj.weight");  // [12, 24]
  EXPECT_EQ(w_o.as<float>()[7 * 12 + 5], stored.span<float>()[5 * 24 + 7]);
  EXPECT_EQ(model.b_o(1).as<float>()[3],
            tiny.tensors.at("layers.1.self_attn.o_proj.bias").span<float>()[3]);
  EXPECT_THROW(model.w_o(2), Error);
  EXPECT_THROW(model.b_o(-1), Error);
  EXPECT_FALSE(load(testing::tiny_llama()).b_o(0));
}

}  // namespace
}  // namespace headlight
