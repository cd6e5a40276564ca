#include <gtest/gtest.h>

#include <filesystem>
#include <limits>

#include "io/safetensors.h"
#include "model/layer_test_support.h"
#include "support/expect_error.h"
#include "support/shared.h"

namespace headlight {
namespace {

using Config = MultiHeadAttentionConfig;
using testing::expect_error;
using testing::random_layer;
using testing::random_tensor;

/// A file in a folder of its own, removed at the end.
class LayerFile : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::scratch_folder();
    path_ = folder_ / "model.safetensors";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void expect_round_trip(const Config& config, WeightNames names, std::string_view prefix) {
    const MultiHeadAttention saved = random_layer(config);
    saved.save(path_, names, prefix);
    const MultiHeadAttention loaded = MultiHeadAttention::load(path_, config, names, prefix);
    for (std::size_t i = 0; i < kAttentionWeights; ++i) {
      const auto which = static_cast<AttentionWeight>(i);
      const TensorView a = saved.weight(which), b = loaded.weight(which);
      ASSERT_EQ(static_cast<bool>(a), static_cast<bool>(b)) << name_of(which);
      if (!a) continue;
      EXPECT_TRUE(std::equal(a.as<float>(), a.as<float>() + a.numel(), b.as<float>()));
    }
  }
  std::vector<std::string> names() const { return SafetensorsFile(path_).names(); }

  std::filesystem::path folder_, path_;
};

TEST_F(LayerFile, TorchStacksEqualWidths) {
  expect_round_trip({.d_model = 12, .n_heads = 3, .added_key_value = true}, WeightNames::torch, "");
  EXPECT_EQ(names(), (std::vector<std::string>{"in_proj_weight", "in_proj_bias", "out_proj.weight",
                                               "out_proj.bias", "bias_k", "bias_v"}));
  const SafetensorsFile file(path_);
  EXPECT_EQ(file.tensor("in_proj_weight").shape(), (Shape{36, 12}));
  EXPECT_EQ(file.tensor("bias_k").shape(), (Shape{1, 1, 12}));
}

TEST_F(LayerFile, TorchKeepsOtherWidthsApart) {
  expect_round_trip({.d_model = 12, .n_heads = 3, .d_key = 5, .d_value = 7}, WeightNames::torch,
                    "self_attn.");
  EXPECT_EQ(names().at(1), "self_attn.q_proj_weight");
  EXPECT_EQ(SafetensorsFile(path_).tensor("self_attn.v_proj_weight").shape(), (Shape{12, 7}));
}

TEST_F(LayerFile, Llama) {
  expect_round_trip({.d_model = 12,
                     .n_heads = 6,
                     .n_kv_heads = 2,
                     .head_dim = 4,
                     .bias = {.o = false},
                     .qk_norm_eps = 1e-6f,
                     .sinks = true},
                    WeightNames::llama, "model.layers.0.self_attn.");
  EXPECT_EQ(names().front(), "model.layers.0.self_attn.q_proj.weight");
}

TEST_F(LayerFile, Bert) {
  expect_round_trip({.d_model = 12, .n_heads = 2}, WeightNames::bert, "layer.0.attention.");
  EXPECT_EQ(names().at(3), "layer.0.attention.output.dense.weight");
}

TEST_F(LayerFile, Gpt2StacksAndTransposes) {
  const Config config{.d_model = 12, .n_heads = 3, .n_kv_heads = 1, .d_out = 5};
  expect_round_trip(config, WeightNames::gpt2, "h.0.attn.");
  EXPECT_EQ(names(), (std::vector<std::string>{"h.0.attn.c_attn.weight", "h.0.attn.c_attn.bias",
                                               "h.0.attn.c_proj.weight", "h.0.attn.c_proj.bias"}));
  const SafetensorsFile file(path_);
  const TensorView stack = file.tensor("h.0.attn.c_attn.weight");
  EXPECT_EQ(stack.shape(), (Shape{12, 20}));
  EXPECT_EQ(file.tensor("h.0.attn.c_proj.weight").shape(), (Shape{12, 5}));
  // Column 12 of Conv1D's matrix is row 0 of w_k.
  const MultiHeadAttention saved = random_layer(config);
  EXPECT_EQ(stack.as<float>()[3 * 20 + 12], saved.weight(AttentionWeight::w_k).as<float>()[3]);
}

TEST_F(LayerFile, Phi3Stacks) {
  expect_round_trip({.d_model = 12, .n_heads = 3, .bias = {false, false, false, false}},
                    WeightNames::phi3, "model.layers.0.self_attn.");
  EXPECT_EQ(SafetensorsFile(path_).tensor("model.layers.0.self_attn.qkv_proj.weight").shape(),
            (Shape{36, 12}));
  expect_error([&] { random_layer({.d_model = 12, .d_key = 5}).save(path_, WeightNames::phi3); },
               {"qkv_proj.weight", "one input", "12, 5 and 12"});
}

TEST_F(LayerFile, AFolderWillDo) {
  const Config config{.d_model = 12, .n_heads = 2};
  random_layer(config).save(path_);
  EXPECT_TRUE(MultiHeadAttention::load(folder_, config).weight(AttentionWeight::w_q));
}

TEST_F(LayerFile, RefusesWhatDoesNotFit) {
  const Config config{.d_model = 12, .n_heads = 2};
  random_layer(config).save(path_);
  const auto load = [&](const Config& c, WeightNames names = WeightNames::torch) {
    return [this, c, names] { MultiHeadAttention::load(path_, c, names); };
  };
  expect_error(load({.d_model = 8, .n_heads = 2}), {"in_proj_weight", "[36, 12]", "[24, 8]"});
  expect_error(load(config, WeightNames::llama), {"q_proj.weight", "is missing"});
  expect_error(load({.d_model = 12, .n_heads = 2, .bias = {false, false, false, true}}),
               {"in_proj_bias", "no place"});
  expect_error(load({.d_model = 12, .n_heads = 2, .bias = {.q = false}}), {"together"});
  expect_error([&] { random_layer({.d_model = 12, .sinks = true}).save(path_); }, {"sinks [1]"});
}

TEST_F(LayerFile, RefusesNaN) {
  const Config config{.d_model = 4, .n_heads = 2, .bias = {false, false, false, false}};
  MultiHeadAttention layer = random_layer(config);
  Tensor bad = to_f32(layer.weight(AttentionWeight::w_k));
  bad.span<float>()[3] = std::numeric_limits<float>::quiet_NaN();
  layer.set_weight(AttentionWeight::w_k, bad);
  layer.save(path_);
  expect_error([&] { MultiHeadAttention::load(path_, config); },
               {"in_proj_weight", "nan at index 19"});
}

}  // namespace
}  // namespace headlight
