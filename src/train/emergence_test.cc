// What is measured of heads and relations, on a model small enough to be measured another way.
#include "train/emergence.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "support/expect_error.h"
#include "support/shared.h"
#include "train/head_rows.h"
#include "train/micro_world_tokens.h"
#include "train/relation_report.h"
#include "train/trainer.h"

namespace headlight {
namespace {

/// A small encoder after a few steps, as a trainer and as a loaded model.
class Measured : public ::testing::Test {
 protected:
  static constexpr std::int64_t kSentences = 60;

  void SetUp() override {
    settings_ = train_settings(R"({"model": {"model_type": "bert", "hidden_size": 32,
        "architectures": ["BertForMaskedLM"], "num_hidden_layers": 2, "num_attention_heads": 4,
        "intermediate_size": 64, "max_position_embeddings": 64},
        "data": {"kind": "micro-world"}, "steps": 60, "learning_rate": 0.01, "warmup": 5})",
                               "test");
    source_ = make_examples(settings_, {});
    trainer_ = std::make_unique<Trainer>(settings_, *source_);
    for (int i = 0; i < 60; ++i) trainer_->step();
    folder_ = testing::scratch_folder();
    trainer_->write_model(folder_);
  }

  const Tokenizer& tokenizer() const { return *source_->relations_tokenizer(); }

  TrainSettings settings_;
  std::unique_ptr<ExampleSource> source_;
  std::unique_ptr<Trainer> trainer_;
  std::filesystem::path folder_;
};

TEST_F(Measured, AccuracyIsThatOfTheTrainersForwardPass) {
  const Transformer model = Transformer::load(folder_);
  const MicroWorldTokens tokens(tokenizer());
  const ParameterLayout layout(model.config());
  Tensor values = layout.make_store(), gradients = layout.make_store();
  read_parameters(layout, folder_, values);
  Network network(layout, values, gradients);
  std::map<std::pair<Language, Relation>, LossSum> expected;
  const MicroWorld world({.seed = 1, .split = Split::heldout});
  for (std::uint64_t i = 0; i < kSentences; ++i) {
    const MicroSentence sentence = world.sentence(i);
    for (const MaskedWord& asked : sentence.masks) {
      const std::vector<Example> one = {tokens.hidden(sentence, asked)};
      expected[{sentence.language, asked.relation}] +=
          network.evaluate(pack(one, model.config().max_len, model.config().vocab_size));
    }
  }
  std::int64_t right = 0;
  for (const RelationReport& r :
       relation_reports(model, tokenizer(), {.sentences = kSentences, .removals = false})) {
    const LossSum sum = expected[{r.language, r.relation}];
    EXPECT_EQ(r.asked, sum.targets) << name_of(r.relation);
    EXPECT_EQ(r.right, sum.right) << name_of(r.relation);
    right += r.right;
  }
  EXPECT_GT(right, 0) << "a model that names nothing proves nothing";
}

TEST_F(Measured, HeadsAreJudgedByTheirStrongestTarget) {
  const Transformer model = Transformer::load(folder_);
  const MicroWorldTokens tokens(tokenizer());
  const MicroWorld world({.seed = 1, .split = Split::heldout});
  std::map<std::pair<Language, Relation>, std::vector<int>> hits;
  for (std::uint64_t i = 0; i < kSentences; ++i) {
    const MicroSentence sentence = world.sentence(i);
    const auto encoded = tokens.encode(sentence.text);
    visit_head_rows(model, encoded.example.ids, [&](const HeadRow& row) {
      double sum = 0;
      for (const double weight : row.weights) sum += weight;
      EXPECT_NEAR(sum, 1, 1e-12);
      for (const RelationLabel& label : sentence.relations) {
        if (row.query != static_cast<std::int64_t>(encoded.at(label.from))) continue;
        auto& of_heads = hits[{sentence.language, label.relation}];
        of_heads.resize(8);
        bool strongest = true;
        const double mine = row.weights[encoded.at(label.to)];
        for (const double weight : row.weights) strongest &= weight <= mine;
        of_heads[static_cast<std::size_t>(row.layer * 4 + row.head)] += strongest;
      }
    });
  }
  for (const RelationReport& r :
       relation_reports(model, tokenizer(), {.sentences = kSentences, .removals = true})) {
    const auto found = hits.find({r.language, r.relation});
    EXPECT_EQ(r.right_without.size(), 8u);
    if (found == hits.end()) continue;
    for (std::size_t h = 0; h < 8; ++h)
      EXPECT_NEAR(r.heads[h] * static_cast<double>(r.pairs), found->second[h], 1e-9);
    EXPECT_LE(r.fixed_offset, 1);
    EXPECT_GT(r.fixed_offset, 0);
  }
}

TEST_F(Measured, SnapshotsKeepPatterns) {
  const Transformer model = Transformer::load(folder_);
  const Json snapshot = emergence_snapshot(7, model, tokenizer());
  EXPECT_EQ(snapshot.at("step"), 7);
  ASSERT_EQ(snapshot.at("sentences").size(), emergence_sentences().size());
  const Json& first = snapshot.at("sentences")[0];
  const auto length = first.at("tokens").size();
  const auto patterns = first.at("patterns").get<std::string>();
  ASSERT_EQ(patterns.size(), 2 * 4 * length * length);
  for (std::size_t row = 0; row < patterns.size(); row += length) {
    double sum = 0;
    for (std::size_t j = 0; j < length; ++j) sum += weight_of(patterns[row + j]);
    EXPECT_NEAR(sum, 1, 0.15);
  }
}

TEST(Emergence, SpacesStepsLogarithmically) {
  EXPECT_EQ(log_spaced(100, 3), (std::vector<std::int64_t>{1, 10, 100}));
  EXPECT_EQ(log_spaced(4, 60), (std::vector<std::int64_t>{1, 2, 3, 4}));
  EXPECT_EQ(log_spaced(5, 1), (std::vector<std::int64_t>{5}));
}

TEST(Emergence, CharactersStandForWeights) {
  for (const double weight : {0.0, 0.001, 0.1, 0.5, 0.99, 1.0})
    EXPECT_NEAR(weight_of(weight_character(weight)), weight, 0.017) << weight;
  testing::expect_error([] { weight_of('!'); }, {"'!'"});
}

}  // namespace
}  // namespace headlight
