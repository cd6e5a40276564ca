#include "app/layer_timing.h"

#include <gtest/gtest.h>

#include "model/multi_head_attention.h"
#include "support/expect_error.h"

namespace headlight::app {
namespace {

TEST(LayerTiming, ParametersAreThoseOfTheLayersOwnWeights) {
  for (const std::int64_t n_kv_heads : {1, 2, 8}) {
    const MultiHeadAttention layer({.d_model = 32, .n_heads = 8, .n_kv_heads = n_kv_heads});
    std::int64_t counted = 0;
    for (std::size_t i = 0; i < kAttentionWeights; ++i)
      if (const TensorView weight = layer.weight(static_cast<AttentionWeight>(i)))
        counted += weight.numel();
    EXPECT_EQ(layer_parameters(layer.config()), counted) << n_kv_heads;
  }
}

TEST(LayerTiming, FlopsAreCountedPairByPair) {
  const auto config = resolved({.d_model = 12, .n_heads = 3, .n_kv_heads = 1});
  const std::int64_t length = 5;
  double counted = 0;
  for (std::int64_t i = 0; i < length; ++i) {
    counted += 2.0 * 12 * (12 + 4 + 4 + 12);  // q, k, v, W_O
    for (std::int64_t j = 0; j <= i; ++j) counted += 3 * (2 * 4 + 2 * 4);
  }
  EXPECT_DOUBLE_EQ(layer_flops(config, length, length), counted);
  EXPECT_DOUBLE_EQ(
      layer_flops(config, length, length) - layer_flops(config, length - 1, length - 1),
      layer_flops(config, 1, length));
}

TEST(LayerTiming, ATimeIsMeasuredForEachOfTheTwo) {
  for (const std::int64_t length : {1, 2, 17}) {
    const Json told = time_layer({.d_model = 24, .n_heads = 6, .n_kv_heads = 2, .length = length});
    EXPECT_EQ(told["head_dim"], 4);
    EXPECT_EQ(told["cache_numbers"], 2 * length * 2 * 4);
    for (const char* part : {"whole", "next"}) {
      EXPECT_GT(told[part]["seconds"].get<double>(), 0) << part;
      EXPECT_GE(told[part]["runs"].get<int>(), 1) << part;
      EXPECT_EQ(told[part]["attention"].get<std::string>().substr(0, 4), "ran ") << part;
    }
  }
}

TEST(LayerTiming, WhatDoesNotFitOrTakesTooLongIsRefused) {
  const auto refused = [](const LayerDimensions& dimensions, const std::string& part) {
    testing::expect_error([&] { time_layer(dimensions); }, {part});
  };
  refused({512, 7, 7, 16}, "nearest");
  refused({512, 8, 3, 16}, "n_kv_heads 3 does not divide n_heads 8");
  refused({0, 1, 1, 1}, "d_model is 0");
  refused({4096, 8, 8, 1}, "d_model is 4096");
  refused({8, 9, 1, 1}, "n_heads is 9");
  refused({8, 4, 8, 1}, "n_kv_heads is 8");
  refused({8, 2, 2, 0}, "length is 0");
  refused({8, 2, 2, 8193}, "length is 8193");
  refused({2048, 16, 16, 8192}, "operations are more than");
}

}  // namespace
}  // namespace headlight::app
