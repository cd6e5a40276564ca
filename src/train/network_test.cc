// The trainer's forward and backward passes, against the model that reads what it writes and
// against differences of an independent forward pass in double.
#include "train/network.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "model/transformer.h"
#include "support/expect_error.h"
#include "support/plain_forward.h"
#include "support/shared.h"
#include "support/tiny_model.h"
#include "train/tied_heads.h"

namespace headlight {
namespace {
using testing::TinyModel;
using Json = nlohmann::json;

/// Every family, and what can vary in it. `sizes` replaces keys of all configurations.
std::vector<std::pair<std::string, TinyModel>> tiny_models(const Json& sizes = Json::object()) {
  std::vector<std::pair<std::string, TinyModel>> models;
  const auto with = [&](Json config) {
    config.update(sizes);
    return config;
  };
  models.emplace_back("gpt2", testing::tiny_gpt2(sizes));
  models.emplace_back("gpt2 with a head of its own",
                      testing::tiny_gpt2(with({{"tie_word_embeddings", false},
                                               {"scale_attn_by_inverse_layer_idx", true},
                                               {"activation_function", "relu"}})));
  models.emplace_back("llama", testing::tiny_llama(sizes));
  models.emplace_back(
      "llama with biases and a tied head",
      testing::tiny_llama(
          with({{"attention_bias", true}, {"mlp_bias", true}, {"tie_word_embeddings", true}})));
  Json attention_only = sizes, narrow_heads = sizes;
  attention_only["n_inner"] = 0;
  models.emplace_back("gpt2 of attention alone", testing::tiny_gpt2(attention_only));
  models.emplace_back("bert", testing::tiny_bert(with({{"architectures", {"BertForMaskedLM"}}})));
  narrow_heads.update(
      {{"architectures", {"BertForMaskedLM"}}, {"num_attention_heads", 2}, {"head_dim", 2}});
  models.emplace_back("bert with narrow heads", testing::tiny_bert(narrow_heads));
  return models;
}

/// The usual prefix of a family's names, and the tiny model's name under it.
std::string bare_name(const ModelConfig& config, std::string name) {
  const std::string prefix(name_prefixes(config.family).front());
  return name.starts_with(prefix) ? name.substr(prefix.size()) : name;
}

/// A network on the values of a tiny model.
struct Trained {
  explicit Trained(const TinyModel& model)
      : config(config_from_hugging_face(model.config.dump(), "test")),
        layout(config),
        values(layout.make_store()),
        gradients(layout.make_store()),
        network(layout, values, gradients) {
    for (const ParameterSpec& spec : layout.specs())
      std::ranges::copy(model.tensors.at(bare_name(config, spec.name)).span<float>(),
                        layout.view(values, spec).as<float>());
  }

  ModelConfig config;
  ParameterLayout layout;
  Tensor values, gradients;
  Network network;
};

/// Sequences of several lengths, two of them equal, with targets at some places.
std::vector<Example> examples() {
  const std::int64_t no = kIgnoredTarget;
  return {{{3, 16, 0, 7, 7}, {no, 4, no, 1, 7}},
          {{1, 2}, {no, 16}},
          {{9, 9, 8, 2, 0}, {3, no, no, no, 11}},
          {{5, 4, 3, 2, 1, 0, 6}, {no, no, no, no, no, no, 0}}};
}

Batch batch_of(const ModelConfig& config, const std::vector<Example>& sequences) {
  return pack(sequences, config.max_len, config.vocab_size);
}

TEST(Pack, PutsEqualLengthsTogetherAndKeepsTargets) {
  const Batch batch = pack(examples(), 9, 17);
  EXPECT_EQ(batch.rows(), 19);
  ASSERT_EQ(batch.groups.size(), 3u);
  EXPECT_EQ(batch.groups[1].row, 2);
  EXPECT_EQ(batch.groups[1].count, 2);
  EXPECT_EQ(batch.groups[1].length, 5);
  EXPECT_EQ(batch.ids[0], 1);
  EXPECT_EQ(batch.positions,
            (std::vector<std::int64_t>{0, 1, 0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(batch.target_rows, (std::vector<std::int64_t>{1, 3, 5, 6, 7, 11, 18}));
  EXPECT_EQ(batch.targets, (std::vector<std::int64_t>{16, 4, 1, 7, 3, 11, 0}));
}

TEST(Pack, RefusesWhatAModelCannotRead) {
  const std::int64_t no = kIgnoredTarget;
  const auto refuse = [](Example example, std::initializer_list<std::string_view> parts) {
    testing::expect_error([&] { pack(std::vector{example}, 3, 17); }, parts);
  };
  refuse({{}, {}}, {"[train]", "0 tokens", "[1, 3]"});
  refuse({{1, 2, 3, 4}, {no, no, no, no}}, {"4 tokens", "[1, 3]"});
  refuse({{1, 17}, {no, no}}, {"token id 17", "[0, 17)"});
  refuse({{1, -1}, {no, no}}, {"token id -1"});
  refuse({{1, 2}, {no, 17}}, {"target 17"});
  refuse({{1, 2}, {no}}, {"1 targets for 2 tokens"});
}

TEST(Parameters, AreThoseThatLoadingReads) {
  for (const auto& [name, model] : tiny_models()) {
    SCOPED_TRACE(name);
    Trained trained(model);
    const auto folder = testing::scratch_folder();
    testing::write_model({model.config, {}}, folder);
    write_parameters(trained.layout, trained.values, folder);
    const Transformer loaded = Transformer::load(folder);
    EXPECT_EQ(loaded.n_parameters(), trained.layout.n_parameters());
    EXPECT_TRUE(loaded.unused_tensors().empty());
    Tensor again = trained.layout.make_store();
    read_parameters(trained.layout, folder, again);
    EXPECT_TRUE(std::ranges::equal(again.span<float>(), trained.values.span<float>()));
  }
}

TEST(Network, ComputesWhatTheLoadedModelComputes) {
  for (const auto& [name, model] : tiny_models()) {
    SCOPED_TRACE(name);
    Trained trained(model);
    const auto folder = testing::scratch_folder();
    testing::write_model({model.config, {}}, folder);
    write_parameters(trained.layout, trained.values, folder);
    const Transformer loaded = Transformer::load(folder);
    const Batch batch = batch_of(trained.config, examples());
    trained.network.evaluate(batch);
    for (const SequenceGroup& group : batch.groups)
      for (std::int64_t s = 0; s < group.count; ++s) {
        const std::int64_t first = group.row + s * group.length;
        const auto ids = std::span(batch.ids).subspan(static_cast<std::size_t>(first),
                                                      static_cast<std::size_t>(group.length));
        const ForwardResult expected = loaded.forward(ids);
        const auto want = expected.last_hidden.span<float>();
        const float* got = trained.network.hidden().as<float>() + first * trained.config.d_model;
        for (std::size_t i = 0; i < want.size(); ++i) ASSERT_NEAR(got[i], want[i], 2e-5) << i;
      }
  }
}

/// Cross entropy in nats over all targets, from the forward pass in double.
LossSum plain_loss(const TinyModel& model, const std::vector<Example>& sequences,
                   const std::vector<std::vector<double>>& gates = {}) {
  LossSum sum;
  for (const Example& example : sequences) {
    const auto logits = testing::plain_forward(model, example.ids, {}, gates).logits;
    for (std::size_t t = 0; t < example.ids.size(); ++t) {
      if (example.targets[t] == kIgnoredTarget) continue;
      const auto& row = logits[t];
      const double largest = *std::ranges::max_element(row);
      double total = 0;
      for (double x : row) total += std::exp(x - largest);
      const double mine = row[static_cast<std::size_t>(example.targets[t])];
      sum += {largest + std::log(total) - mine, 1, mine == largest};
    }
  }
  return sum;
}

TEST(Network, LossIsThatOfTheForwardPassInDouble) {
  for (const auto& [name, model] : tiny_models()) {
    SCOPED_TRACE(name);
    Trained trained(model);
    const LossSum expected = plain_loss(model, examples());
    const LossSum loss = trained.network.evaluate(batch_of(trained.config, examples()));
    EXPECT_NEAR(loss.loss, expected.loss, 1e-4);
    EXPECT_EQ(loss.targets, 7);
    EXPECT_EQ(loss.right, expected.right);
  }
}

/// Sizes at which every single parameter can be moved; the examples that go with them.
const Json kSmall = {
    {"n_embd", 6},   {"n_head", 3},    {"n_inner", 5}, {"hidden_size", 6}, {"intermediate_size", 5},
    {"head_dim", 2}, {"vocab_size", 7}};
std::vector<Example> small_examples() {
  const std::int64_t no = kIgnoredTarget;
  return {{{3, 6, 0, 1, 1}, {no, 4, no, 1, 6}}, {{1, 2}, {no, 5}}, {{5, 4}, {0, no}}};
}

/// A value of the tiny model moved by `step`: what the fp32 tensor then really holds.
double moved(TinyModel& model, const std::string& name, std::size_t i, double step) {
  float& x = model.tensors.at(name).span<float>()[i];
  x = static_cast<float>(x + step);
  return x;
}

/// d loss / d parameter by a central difference of the forward pass in double; the step is so small
/// that it hardly ever crosses the kink of a relu.
double slope(TinyModel& model, const std::string& name, std::size_t i) {
  const float before = model.tensors.at(name).span<float>()[i];
  const double above = moved(model, name, i, 1e-5);
  const double loss_above = plain_loss(model, small_examples()).loss;
  model.tensors.at(name).span<float>()[i] = before;
  const double below = moved(model, name, i, -1e-5);
  const double loss_below = plain_loss(model, small_examples()).loss;
  model.tensors.at(name).span<float>()[i] = before;
  return (loss_above - loss_below) / (above - below);
}

TEST(Network, GradientsOfEveryParameterMatchDifferencesInDouble) {
  for (auto& [name, model] : tiny_models(kSmall)) {
    SCOPED_TRACE(name);
    Trained trained(model);
    trained.network.train(batch_of(trained.config, small_examples()), 1);
    for (const ParameterSpec& spec : trained.layout.specs()) {
      SCOPED_TRACE(spec.name);
      const std::string bare = bare_name(trained.config, spec.name);
      const TensorView gradient = trained.layout.view(trained.gradients, spec);
      std::int64_t not_zero = 0;
      for (std::int64_t i = 0; i < gradient.numel(); ++i) {
        const double expected = slope(model, bare, static_cast<std::size_t>(i));
        const double got = gradient.as<float>()[i];
        ASSERT_NEAR(got, expected, 1e-4 + 1e-3 * std::abs(expected)) << i;
        not_zero += std::abs(expected) > 1e-6;
      }
      // A key's bias moves all scores of a query alike, unless RoPE turns it with the position.
      const bool idle = spec.slot == Slot::k_bias && trained.config.rope_inv_freq.empty();
      EXPECT_EQ(not_zero > 0, !idle) << "a parameter without influence proves nothing";
    }
  }
}

TEST(Network, GateGradientsMatchDifferencesInDouble) {
  for (const auto& [name, model] : tiny_models()) {
    SCOPED_TRACE(name);
    Trained trained(model);
    const auto layers = static_cast<std::size_t>(trained.config.n_layers);
    const auto heads = static_cast<std::size_t>(trained.config.n_heads);
    trained.network.set_head_gates(std::vector<float>(layers * heads, 0.5f));
    trained.network.train(batch_of(trained.config, examples()), 1);
    ASSERT_EQ(trained.network.gate_gradients().size(), layers * heads);
    std::vector<std::vector<double>> gates(layers, std::vector<double>(heads, 0.5));
    for (std::size_t i = 0; i < layers * heads; ++i) {
      double& gate = gates[i / heads][i % heads];
      gate = 0.5 + 1e-5;
      const double above = plain_loss(model, examples(), gates).loss;
      gate = 0.5 - 1e-5;
      const double below = plain_loss(model, examples(), gates).loss;
      gate = 0.5;
      const double expected = (above - below) / 2e-5;
      EXPECT_NEAR(trained.network.gate_gradients()[i], expected, 1e-4 + 1e-3 * std::abs(expected));
      EXPECT_GT(std::abs(expected), 1e-6) << "a head without influence proves nothing";
    }
  }
}

TEST(Network, RefusesGatesOfAnotherModel) {
  Trained trained(testing::tiny_gpt2());
  testing::expect_error(
      [&] {
        trained.network.set_head_gates({1, 1, 1});
      },
      {"[train]", "3 head gates", "2 layers x 3 heads"});
}

TEST(Network, PatternsAreThoseOfTheForwardPassInDouble) {
  for (const auto& [name, model] : tiny_models()) {
    SCOPED_TRACE(name);
    Trained trained(model);
    const Batch batch = batch_of(trained.config, examples());
    trained.network.evaluate(batch);
    const SequenceGroup second{7, 1, 5};  // the second sequence of the group of length 5
    const auto ids = std::vector(batch.ids.begin() + 7, batch.ids.begin() + 12);
    const auto plain = testing::plain_forward(model, ids);
    for (std::int64_t l = 0; l < trained.config.n_layers; ++l)
      for (std::int64_t h = 0; h < trained.config.n_heads; ++h) {
        const Tensor got = trained.network.pattern(batch, l, h, second);
        const auto& want =
            plain.layers[static_cast<std::size_t>(l)].patterns[static_cast<std::size_t>(h)];
        for (std::size_t i = 0; i < 25; ++i)
          ASSERT_NEAR(std::as_const(got).span<float>()[i], want[i / 5][i % 5], 2e-5) << i;
      }
    testing::expect_error([&] { trained.network.pattern(batch, 9, 0, second); },
                          {"[train]", "9.0"});
  }
}

/// The rows of one head in a tensor of a store.
std::vector<float> head_rows(const Trained& trained, const Tensor& store, Slot slot,
                             std::int64_t head, std::int64_t heads) {
  const TensorView view = trained.layout.view(store, *trained.layout.find(slot, 0));
  const std::int64_t size = view.numel() / heads;
  return {view.as<float>() + head * size, view.as<float>() + (head + 1) * size};
}

TEST(TiedHeads, AreCopiesWhoseGradientsAreSummed) {
  for (const bool llama : {false, true}) {
    const TinyModel model = llama ? testing::tiny_llama({{"attention_bias", true}})
                                  : testing::tiny_bert({{"architectures", {"BertForMaskedLM"}}});
    Trained trained(model);
    const ModelConfig& c = trained.config;
    const TiedHeads tied(trained.layout);
    tied.copy_first(trained.values);
    trained.network.train(batch_of(c, examples()), 1);
    const Tensor before = trained.gradients.clone();
    tied.sum_into_first(trained.gradients);
    for (const Slot slot : {Slot::q_weight, Slot::k_weight, Slot::v_weight, Slot::v_bias}) {
      const std::int64_t heads = slot == Slot::q_weight ? c.n_heads : c.n_kv_heads;
      const auto first = head_rows(trained, trained.values, slot, 0, heads);
      const auto sum = head_rows(trained, trained.gradients, slot, 0, heads);
      std::vector<float> expected(sum.size());
      for (std::int64_t h = 0; h < heads; ++h) {
        EXPECT_EQ(head_rows(trained, trained.values, slot, h, heads), first);
        const auto part = head_rows(trained, before, slot, h, heads);
        for (std::size_t i = 0; i < expected.size(); ++i) expected[i] += part[i];
      }
      EXPECT_EQ(sum, expected);
      for (const float x : head_rows(trained, trained.gradients, slot, 1, heads)) EXPECT_EQ(x, 0);
    }
    // Per layer: all but one head of W_Q, W_K, W_V and their biases.
    EXPECT_EQ(tied.n_copies(),
              c.n_layers * (c.n_heads - 1 + 2 * (c.n_kv_heads - 1)) * c.head_dim * (c.d_model + 1));
  }
  testing::expect_error([] { TiedHeads(Trained(testing::tiny_gpt2()).layout); },
                        {"[train]", "gpt2", "bert or llama"});
}

TEST(Network, GradientsAddUpOverMicroBatches) {
  for (const auto& [name, model] : tiny_models()) {
    SCOPED_TRACE(name);
    Trained whole(model), parts(model);
    whole.network.train(batch_of(whole.config, examples()), 0.5);
    LossSum sum;
    for (const Example& example : examples())
      sum += parts.network.train(batch_of(parts.config, {example}), 0.5);
    EXPECT_EQ(sum.targets, 7);
    const auto a = std::as_const(whole.gradients).span<float>();
    const auto b = std::as_const(parts.gradients).span<float>();
    for (std::size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], 1e-5) << i;
  }
}

TEST(Network, RefusesAnEncoderWithoutAHead) {
  testing::expect_error([] { Trained trained(testing::tiny_bert()); },
                        {"[train]", "BertForMaskedLM"});
}

TEST(Initialise, DrawsTheSameValuesForTheSameSeed) {
  const ParameterLayout layout(
      config_from_hugging_face(testing::tiny_gpt2().config.dump(), "test"));
  Tensor a = layout.make_store(), b = layout.make_store(), c = layout.make_store();
  initialise(layout, 7, 0.02f, a);
  initialise(layout, 7, 0.02f, b);
  initialise(layout, 8, 0.02f, c);
  EXPECT_TRUE(std::ranges::equal(a.span<float>(), b.span<float>()));
  EXPECT_FALSE(std::ranges::equal(a.span<float>(), c.span<float>()));
  const TensorView norm = layout.view(a, *layout.find(Slot::attn_norm_weight, 1));
  EXPECT_EQ(norm.as<float>()[3], 1.0f);
}

// The product of two positions depends on their distance alone, so one matrix finds it anywhere.
TEST(Initialise, SetsPositionsApartByTheirDistance) {
  const ParameterLayout layout(config_from_hugging_face(
      testing::tiny_gpt2({{"n_positions", 32}, {"n_embd", 24}}).config.dump(), "test"));
  Tensor store = layout.make_store();
  initialise(layout, 7, 0.5f, store);
  const TensorView at = layout.view(store, *layout.find(Slot::position_embedding));
  const std::int64_t d = at.dim(1);
  const auto product = [&](std::int64_t i, std::int64_t j) {
    return std::inner_product(at.as<float>() + i * d, at.as<float>() + (i + 1) * d,
                              at.as<float>() + j * d, 0.0);
  };
  for (std::int64_t i = 0; i + 3 < at.dim(0); ++i) {
    EXPECT_NEAR(product(i, i) / static_cast<double>(d), 0.25, 1e-5) << i;
    EXPECT_NEAR(product(i, i + 3), product(0, 3), 1e-5) << i;
    EXPECT_LT(product(i, i + 3), 0.9 * product(i, i)) << i;
  }
}

}  // namespace
}  // namespace headlight
