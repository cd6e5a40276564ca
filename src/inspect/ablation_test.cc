#include "inspect/ablation.h"

#include <gtest/gtest.h>

#include <cmath>

#include "inspect/ablation_effect.h"
#include "support/expect_error.h"
#include "support/golden.h"
#include "support/plain_forward.h"
#include "support/shared.h"
#include "support/tiny_model.h"

namespace headlight {
namespace {
using testing::PlainLayer;
using testing::PlainPoint;
using testing::PlainResult;
using testing::Rows;
using testing::TinyModel;

const std::vector<std::int64_t> kIds = {3, 16, 0, 7, 7, 1, 12};
const std::vector<std::int64_t> kShort = {5, 2, 9}, kLong = {1, 2, 3, 4, 5, 6, 7, 8, 9};
/// Both layers, a shut gate, a half open one and an open one.
const std::vector<AblatedHead> kHeads = {{0, 1, 0.0f}, {0, 2, 0.25f}, {1, 0, 0.0f}, {1, 2, 1.0f}};
constexpr double kTolerance = 5e-5;

std::vector<TinyModel> families() {
  std::vector<TinyModel> all;
  all.push_back(testing::tiny_gpt2());
  all.push_back(testing::tiny_llama({{"attention_bias", true}}));
  all.push_back(testing::tiny_bert({{"architectures", {"BertForMaskedLM"}}}));
  return all;
}

Transformer load(const TinyModel& model) {
  const auto folder = testing::scratch_folder();
  testing::write_model(model, folder);
  return Transformer::load(folder);
}

ModelRun run_of(const Transformer& model, const std::vector<std::int64_t>& ids = kIds) {
  return record_run(model, tokens_of_ids(ids), "");
}

double difference(const Tensor& got, const Rows& expected) {
  double worst = 0;
  const auto values = got.span<float>();
  std::size_t i = 0;
  for (const auto& row : expected)
    for (double x : row) worst = std::max(worst, std::fabs(x - values[i++]));
  return i == values.size() ? worst : INFINITY;
}

/// The whole of both runs: every residual stream, the last hidden states and the logits.
void expect_same_run(const Transformer& model, const ModelRun& got, const PlainResult& expected) {
  for (std::size_t l = 0; l < expected.layers.size(); ++l)
    EXPECT_LT(difference(got.trace.layers[l].resid_post, expected.layers[l].resid_post), kTolerance)
        << l;
  EXPECT_LT(difference(got.last_hidden, expected.last_hidden), kTolerance);
  if (!expected.logits.empty()) {
    EXPECT_LT(difference(model.logits(got.last_hidden), expected.logits), kTolerance);
  }
}

/// What stands in for z[t][h * dim + d] of a layer, in plain numbers.
using PlainReplacement =
    std::function<double(std::size_t layer, std::size_t t, std::size_t component)>;

void edit_plainly(Rows& z, std::size_t layer, std::size_t dim, const PlainReplacement& replace) {
  for (const AblatedHead& head : kHeads) {
    if (static_cast<std::size_t>(head.layer) != layer) continue;
    for (std::size_t t = 0; t < z.size(); ++t)
      for (std::size_t d = 0; d < dim; ++d) {
        const std::size_t i = static_cast<std::size_t>(head.head) * dim + d;
        const double gate = head.gate;
        z[t][i] = gate * z[t][i] + (1 - gate) * replace(layer, t, i);
      }
  }
}

/// Holds the re-run and the direct estimate to plain loops.
void expect_plain(const TinyModel& tiny, const Ablation& ablation,
                  const PlainReplacement& replace) {
  const Transformer model = load(tiny);
  const auto dim = static_cast<std::size_t>(model.config().head_dim);
  const ModelRun intact = run_of(model);
  const PlainResult changed = testing::plain_forward(
      tiny, kIds, {}, {}, [&](PlainPoint point, std::size_t layer, PlainLayer& at) {
        if (point == PlainPoint::z) edit_plainly(at.z, layer, dim, replace);
      });
  expect_same_run(model, run_ablated(model, intact, ablation), changed);

  const PlainResult before = testing::plain_forward(tiny, kIds);
  const PlainResult direct = testing::plain_forward(
      tiny, kIds, {}, {}, [&](PlainPoint point, std::size_t l, PlainLayer& at) {
        const PlainLayer& was = before.layers[l];
        if (point == PlainPoint::mlp_out) at.mlp_out = was.mlp_out;
        if (point != PlainPoint::out) return;
        at.out = was.out;
        Rows z = was.z;
        edit_plainly(z, l, dim, replace);
        const float* w_o = model.w_o(static_cast<std::int64_t>(l)).as<float>();
        for (std::size_t t = 0; t < z.size(); ++t)
          for (std::size_t i = 0; i < z[t].size(); ++i)
            for (std::size_t j = 0; j < at.out[t].size(); ++j)
              at.out[t][j] += (z[t][i] - was.z[t][i]) * w_o[i * at.out[t].size() + j];
      });
  EXPECT_LT(difference(estimate_directly(model, intact, ablation), direct.last_hidden), kTolerance);
}

TEST(Ablation, GatesAreThoseOfPlainLoops) {
  for (const TinyModel& tiny : families())
    expect_plain(tiny, {.heads = kHeads}, [](auto...) { return 0.0; });
}

TEST(Ablation, MeansAreThoseOfPlainLoops) {
  for (const TinyModel& tiny : families()) {
    const Transformer model = load(tiny);
    MeanZ mean(model.config());
    mean.add(run_of(model).trace);
    mean.add(run_of(model, kShort).trace);
    const Tensor z = mean.mean();
    const PlainResult one = testing::plain_forward(tiny, kIds);
    const PlainResult two = testing::plain_forward(tiny, kShort);
    expect_plain(tiny, {.heads = kHeads, .replacement = Replacement::mean, .mean = z},
                 [&](std::size_t l, std::size_t, std::size_t i) {
                   double sum = 0;
                   for (const PlainResult* each : {&one, &two})
                     for (const auto& row : each->layers[l].z) sum += row[i];
                   return sum / static_cast<double>(kIds.size() + kShort.size());
                 });
  }
}

TEST(Ablation, ResamplesAreThoseOfPlainLoopsWhateverTheLength) {
  for (const TinyModel& tiny : families())
    for (const auto& ids : {kShort, kLong}) {
      const Transformer model = load(tiny);
      const ModelRun other = run_of(model, ids);
      const PlainResult plain = testing::plain_forward(tiny, ids);
      expect_plain(tiny, {.heads = kHeads, .replacement = Replacement::resample, .other = &other},
                   [&](std::size_t l, std::size_t t, std::size_t i) {
                     return plain.layers[l].z[std::min(t, ids.size() - 1)][i];
                   });
    }
}

TEST(Ablation, WithoutAnyHeadAttentionAddsItsBiasOnly) {
  for (const TinyModel& tiny : families()) {
    const Transformer model = load(tiny);
    const ModelConfig& c = model.config();
    Ablation all;
    for (std::int64_t l = 0; l < c.n_layers; ++l)
      for (std::int64_t h = 0; h < c.n_heads; ++h) all.heads.push_back({l, h});
    const ModelRun run = run_ablated(model, run_of(model), all);
    for (std::int64_t l = 0; l < c.n_layers; ++l) {
      const Tensor& out = run.trace.layers[static_cast<std::size_t>(l)].out;
      for (std::size_t i = 0; i < out.span<float>().size(); ++i)
        EXPECT_EQ(out.span<float>()[i],
                  model.b_o(l).as<float>()[i % static_cast<std::size_t>(c.d_model)]);
    }
  }
}

void expect_bits(const Tensor& a, const Tensor& b) {
  EXPECT_TRUE(std::ranges::equal(a.span<float>(), b.span<float>()));
}

TEST(Ablation, FromTheFirstChangedLayerOnTheBitsAreTheSame) {
  for (const TinyModel& tiny : families()) {
    const Transformer model = load(tiny);
    const ModelRun intact = run_of(model), other = run_of(model, kShort);
    MeanZ mean(model.config());
    mean.add(other.trace);
    const Tensor z = mean.mean();
    for (const auto& heads :
         {kHeads, std::vector<AblatedHead>{{1, 1}}, std::vector<AblatedHead>{{0, 0}, {1, 2, 0.5f}}})
      for (const Replacement how : {Replacement::zero, Replacement::mean, Replacement::resample}) {
        const Ablation ablation{.heads = heads, .replacement = how, .mean = z, .other = &other};
        const ModelRun run = run_ablated(model, intact, ablation);
        EXPECT_EQ(run.first_layer, heads.front().layer);
        expect_bits(ablated_hidden(model, intact, ablation), run.last_hidden);
        if (how != Replacement::zero) continue;
        HeadGates gates(model.config());
        for (const auto& [layer, head, gate] : heads) gates.set(layer, head, gate);
        expect_bits(run.last_hidden,
                    model.forward(kIds, {.head_gates = &gates, .logits = false}).last_hidden);
      }
    expect_bits(ablated_hidden(model, intact, {.heads = {{1, 1, 1.0f}}}), intact.last_hidden);
  }
}

TEST(Ablation, OpenGatesChangeNoBit) {
  for (const TinyModel& tiny : families()) {
    const Transformer model = load(tiny);
    const ModelRun intact = run_of(model), other = run_of(model, kShort);
    MeanZ mean(model.config());
    mean.add(other.trace);
    const Tensor z = mean.mean();
    const std::vector<AblatedHead> open = {{0, 0, 1.0f}, {1, 1, 1.0f}};
    for (const Replacement how : {Replacement::zero, Replacement::mean, Replacement::resample}) {
      const Ablation ablation{.heads = open, .replacement = how, .mean = z, .other = &other};
      const ModelRun run = run_ablated(model, intact, ablation);
      expect_bits(run.last_hidden, intact.last_hidden);
      expect_bits(estimate_directly(model, intact, ablation), intact.last_hidden);
      for (std::int64_t l = 0; l < 2; ++l) EXPECT_EQ(&trace_at(run, intact, l), &intact.trace);
    }
  }
}

TEST(Ablation, WhatDoesNotFitIsRefused) {
  const Transformer model = load(testing::tiny_llama());
  const Transformer foreign = load(testing::tiny_gpt2());
  const ModelRun intact = run_of(model), other = run_of(foreign);
  const auto refused = [&](const Ablation& ablation, std::string_view part) {
    testing::expect_error([&] { run_ablated(model, intact, ablation); }, {"[ablation]", part});
    testing::expect_error([&] { estimate_directly(model, intact, ablation); }, {part});
    testing::expect_error([&] { ablated_hidden(model, intact, ablation); }, {part});
  };
  refused({.heads = {{2, 0}}}, "head 2.0 is not there: layers are [0, 2), heads [0, 4)");
  refused({.heads = {{0, -1}}}, "0.-1");
  refused({.heads = {{0, 0, 1.5f}}}, "gate 1.5");
  refused({.heads = {{0, 0, NAN}}}, "gate nan");
  refused({.heads = {{0, 1}, {0, 1}}}, "0.1 is named twice");
  refused({.heads = {{0, 1}}, .replacement = Replacement::mean}, "[2, 4, 6]");
  refused({.heads = {{0, 1}}, .replacement = Replacement::resample}, "another run");
  refused({.heads = {{0, 1}}, .replacement = Replacement::resample, .other = &other}, "other run");
  testing::expect_error([&] { run_ablated(model, other, {.heads = {{0, 1}}}); }, {"intact run"});
  testing::expect_error([&] { MeanZ(model.config()).add(other.trace); }, {"[7, 4, 6]"});
  testing::expect_error([&] { MeanZ(model.config()).mean(); }, {"no positions"});
}

TEST(AblationEffect, VectorsByDirectionAndLength) {
  const std::array<float, 2> a = {3, 4}, b = {-4, 3}, c = {6, 8}, zero = {0, 0};
  const VectorChange turned = vector_change(a, b), longer = vector_change(a, c);
  EXPECT_NEAR(turned.cosine, 0, 1e-15);
  EXPECT_EQ(turned.norm_before, 5);
  EXPECT_EQ(turned.norm_after, 5);
  EXPECT_NEAR(turned.difference, std::sqrt(50.0), 1e-12);
  EXPECT_EQ(longer.cosine, 1);
  EXPECT_EQ(longer.difference, 5);
  EXPECT_EQ(vector_change(zero, zero).cosine, 1);
  EXPECT_EQ(vector_change(zero, a).cosine, 0);
  testing::expect_error([&] { vector_change(a, std::array<float, 1>{1}); }, {"2 and 1"});
}

TEST(AblationEffect, PredictionsByWhatTheyGainAndLose) {
  const auto logits = [](std::array<double, 4> p) {
    std::array<float, 4> out;
    std::ranges::transform(p, out.begin(), [](double x) { return float(std::log(x) + 7); });
    return out;
  };
  const std::array<double, 4> p = {0.5, 0.3, 0.15, 0.05}, q = {0.1, 0.35, 0.15, 0.4};
  const PredictionChange change = prediction_change(logits(p), logits(q), logits(p), 2);
  ASSERT_EQ(change.best.size(), 2u);
  EXPECT_EQ(change.best[0].id, 0);
  EXPECT_EQ(change.best[1].id, 1);
  ASSERT_EQ(change.lost.size(), 1u) << "only one fell";
  EXPECT_EQ(change.lost[0].id, 0);
  EXPECT_NEAR(change.lost[0].before, 0.5, 1e-6);
  EXPECT_NEAR(change.lost[0].after, 0.1, 1e-6);
  EXPECT_NEAR(change.lost[0].direct, 0.5, 1e-6);
  ASSERT_EQ(change.gained.size(), 2u);
  EXPECT_EQ(change.gained[0].id, 3);
  EXPECT_EQ(change.gained[1].id, 1);
  double kl = 0;
  for (std::size_t i = 0; i < 4; ++i) kl += p[i] * std::log(p[i] / q[i]);
  EXPECT_NEAR(change.kl_after, kl, 1e-6);
  EXPECT_EQ(change.kl_direct, 0);
}

}  // namespace
}  // namespace headlight
