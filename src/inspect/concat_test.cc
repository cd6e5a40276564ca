#include "inspect/concat.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/expect_error.h"
#include "support/plain_forward.h"
#include "support/shared.h"
#include "support/tiny_model.h"

namespace headlight {
namespace {
using testing::PlainLayer;
using testing::PlainResult;
using testing::TinyModel;

const std::vector<std::int64_t> kIds = {3, 16, 0, 7, 7, 1, 12};
constexpr std::int64_t kQuery = 5;

Transformer load(const TinyModel& model) {
  const auto folder = testing::scratch_folder();
  testing::write_model(model, folder);
  return Transformer::load(folder);
}

std::vector<TinyModel> families() {
  std::vector<TinyModel> all;
  all.push_back(testing::tiny_gpt2());
  all.push_back(testing::tiny_llama());  // no b_O
  all.push_back(testing::tiny_bert());
  return all;
}

TEST(Concat, HeadsAndBiasMakeUpTheOutputOfPlainLoops) {
  for (const TinyModel& tiny : families()) {
    const Transformer model = load(tiny);
    const Trace trace = record_trace(model, tokens_of_ids(kIds), "");
    const PlainResult plain = testing::plain_forward(tiny, kIds);
    for (std::int64_t l = 0; l < 2; ++l) {
      const Concat concat = concat_at(model, trace, l, kQuery);
      const PlainLayer& layer = plain.layers[static_cast<std::size_t>(l)];
      const auto& z = layer.z[kQuery];
      const auto& out = layer.out[kQuery];
      ASSERT_EQ(concat.z.numel(), std::ssize(z));
      ASSERT_EQ(concat.out.numel(), std::ssize(out));
      for (std::size_t i = 0; i < z.size(); ++i) EXPECT_NEAR(concat.z.span<float>()[i], z[i], 2e-5);
      double whole = 0, shares = concat.b_o.share;
      for (std::size_t j = 0; j < out.size(); ++j) {
        EXPECT_NEAR(concat.out.span<float>()[j], out[j], 2e-5);
        whole += out[j] * out[j];
      }
      for (std::size_t h = 0; h < concat.heads.size(); ++h) {
        double along = 0, square = 0;
        for (std::size_t j = 0; j < out.size(); ++j) {
          const double x = concat.head_out.span<float>()[h * out.size() + j];
          along += x * out[j];
          square += x * x;
        }
        EXPECT_NEAR(concat.heads[h].norm, std::sqrt(square), 1e-4);
        EXPECT_NEAR(concat.heads[h].cosine, along / std::sqrt(square * whole), 1e-4);
        EXPECT_NEAR(concat.heads[h].share, along / whole, 1e-4);
        shares += concat.heads[h].share;
      }
      EXPECT_NEAR(shares, 1, 1e-4);
    }
  }
}

TEST(Concat, SourcesAreWhatEachWordGivesThroughTheHeads) {
  for (const TinyModel& tiny : families()) {
    const Transformer model = load(tiny);
    const ModelConfig& c = model.config();
    const Trace trace = record_trace(model, tokens_of_ids(kIds), "");
    const PlainLayer layer = testing::plain_forward(tiny, kIds).layers[1];
    std::vector<float> gates(static_cast<std::size_t>(c.n_heads), 1.0f);
    gates[0] = 0;
    gates[1] = 0.5f;
    const auto dim = static_cast<std::size_t>(c.head_dim);
    const auto width = static_cast<std::size_t>(c.d_model);
    const std::size_t group = static_cast<std::size_t>(c.n_heads / c.n_kv_heads);
    const Tensor got = source_contributions(model, trace, 1, kQuery, gates);
    const float* w_o = model.w_o(1).as<float>();
    for (std::size_t j = 0; j < kIds.size(); ++j)
      for (std::size_t m = 0; m < width; ++m) {
        double sum = 0;
        for (std::size_t h = 0; h < gates.size(); ++h)
          for (std::size_t d = 0; d < dim; ++d)
            sum += gates[h] * layer.patterns[h][kQuery][j] * layer.v[j][h / group * dim + d] *
                   w_o[(h * dim + d) * width + m];
        EXPECT_NEAR(got.span<float>()[j * width + m], sum, 5e-5);
      }
  }
}

TEST(Concat, AllSourcesTogetherAreTheOutput) {
  const Transformer model = load(testing::tiny_gpt2());
  const Trace trace = record_trace(model, tokens_of_ids(kIds), "");
  const Tensor sources = source_contributions(model, trace, 0, kQuery);
  const Concat concat = concat_at(model, trace, 0, kQuery);
  for (std::size_t m = 0; m < 12; ++m) {
    double sum = model.b_o(0).as<float>()[m];
    for (std::size_t j = 0; j < kIds.size(); ++j) sum += sources.span<float>()[j * 12 + m];
    EXPECT_NEAR(concat.out.span<float>()[m], sum, 2e-5);
  }
}

TEST(Concat, WhatIsOutOfRangeIsRefused) {
  const Transformer model = load(testing::tiny_gpt2()), other = load(testing::tiny_bert());
  const Trace trace = record_trace(model, tokens_of_ids(kIds), "");
  testing::expect_error([&] { concat_at(model, trace, 2, 0); }, {"layer 2"});
  testing::expect_error([&] { concat_at(model, trace, 0, 7); }, {"query 7"});
  testing::expect_error([&] { concat_at(other, trace, 0, 0); }, {"another model"});
  testing::expect_error([&] { source_contributions(model, trace, 0, 7); }, {"query 7"});
  testing::expect_error([&] { source_contributions(other, trace, 0, 0); }, {"another model"});
  const std::array<float, 2> gates = {1, 1};
  testing::expect_error([&] { source_contributions(model, trace, 0, 0, gates); },
                        {"2 gates for 3 heads"});
}

}  // namespace
}  // namespace headlight
