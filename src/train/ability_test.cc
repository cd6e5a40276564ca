// What a model is asked, on one small enough to be asked another way.
#include "train/measure_abilities.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "support/expect_error.h"
#include "support/shared.h"
#include "train/emergence.h"
#include "train/head_removal.h"
#include "train/head_sets.h"
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

  static std::pair<Language, Relation> key_of(const RelationAbility& each) {
    return {language_named(each.language).value(), relation_named(each.relation).value()};
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
  const Abilities abilities =
      measure_abilities(model, tokenizer(), {.sentences = kSentences, .removals = false});
  for (const RelationAbility& each : abilities.relations) {
    const LossSum sum = expected[key_of(each)];
    EXPECT_EQ(each.asked, sum.targets) << each.relation;
    EXPECT_EQ(each.right, sum.right) << each.relation;
    EXPECT_FALSE(each.removals());
    right += each.right;
  }
  EXPECT_GT(right, 0) << "a model that names nothing proves nothing";
}

TEST_F(Measured, HeadsAreJudgedByTheirStrongestTarget) {
  const Transformer model = Transformer::load(folder_);
  const MicroWorldTokens tokens(tokenizer());
  const MicroWorld world({.seed = 1, .split = Split::heldout});
  std::map<std::pair<Language, Relation>, std::vector<std::int64_t>> hits;
  std::map<std::pair<Language, Relation>, std::map<std::size_t, std::int64_t>> distances;
  for (std::uint64_t i = 0; i < kSentences; ++i) {
    const MicroSentence sentence = world.sentence(i);
    const auto encoded = tokens.encode(sentence.text);
    const Trace trace = record_trace(model, encoded.tokens, sentence.text);
    for (const RelationLabel& label : sentence.relations) {
      const std::size_t from = encoded.at(label.from), to = encoded.at(label.to);
      auto& of_heads = hits[{sentence.language, label.relation}];
      of_heads.resize(8);
      ++distances[{sentence.language, label.relation}][to - from];
      for (std::size_t h = 0; h < 8; ++h) {
        const auto query = static_cast<std::int64_t>(from), head = static_cast<std::int64_t>(h);
        const Tensor row = pattern_rows(trace, head / 4, head % 4, query, query + 1);
        of_heads[h] += row.span<float>()[to] == *std::ranges::max_element(row.span<float>());
      }
    }
  }
  const Abilities abilities =
      measure_abilities(model, tokenizer(), {.sentences = kSentences, .removals = false});
  std::size_t labelled = 0;
  for (const RelationAbility& each : abilities.relations) {
    if (each.pairs == 0) continue;
    ++labelled;
    EXPECT_EQ(each.looks, hits[key_of(each)]) << each.relation;
    std::int64_t most = 0;
    for (const auto& [distance, count] : distances[key_of(each)]) most = std::max(most, count);
    EXPECT_EQ(each.offset_hits, most) << each.relation;
  }
  EXPECT_EQ(labelled, hits.size());
}

TEST_F(Measured, RemovalsAreThoseOfTheWholeModel) {
  const Transformer model = Transformer::load(folder_);
  const MicroWorldTokens tokens(tokenizer());
  constexpr std::int64_t kFew = 40;
  const Abilities abilities = measure_abilities(model, tokenizer(), {.sentences = kFew});
  const auto questions =
      questions_of(tokens, MicroWorld({.seed = 1, .split = Split::heldout}), kFew);
  std::map<std::pair<Language, Relation>, std::array<Removed, 8>> expected;
  for (const Question& question : questions) {
    const bool right = names_it(model, question, model.forward(question.ids).last_hidden);
    auto& of_heads = expected[{language_of(question.topic), relation_of(question.topic)}];
    for (std::int64_t head = 0; head < 8; ++head) {
      HeadGates gates(model.config());
      gates.set(head / 4, head % 4, 0);
      ForwardOptions options;
      options.head_gates = &gates;
      const bool now = names_it(model, question, model.forward(question.ids, options).last_hidden);
      of_heads[static_cast<std::size_t>(head)].right += now;
      of_heads[static_cast<std::size_t>(head)].lost += right && !now;
    }
  }
  std::int64_t changed = 0;
  for (const RelationAbility& each : abilities.relations) {
    if (each.asked == 0) continue;
    for (std::size_t h = 0; h < 8; ++h) {
      const Removed& got = each.without[0][h];
      EXPECT_EQ(got.right, expected[key_of(each)][h].right) << each.relation << ' ' << h;
      EXPECT_EQ(got.lost, expected[key_of(each)][h].lost) << each.relation << ' ' << h;
      for (const auto& by_head : each.without) changed += by_head[h].right != each.right;
    }
  }
  EXPECT_GT(changed, 0) << "no head did anything";
  ASSERT_EQ(abilities.sets.size(), 3u);
  EXPECT_EQ(abilities.sets[0].random_right[0].size(), 7u);
  EXPECT_EQ(abilities.sets[2].random_right[1].size(), 40u);
  EXPECT_EQ(to_json(abilities_from_json(to_json(abilities), "again")), to_json(abilities));
}

TEST_F(Measured, WhatStandsInComesFromTheSamples) {
  const Transformer model = Transformer::load(folder_);
  const MicroWorldTokens tokens(tokenizer());
  const auto questions = questions_of(tokens, MicroWorld({.seed = 1, .split = Split::train}), 40);
  const Question& asked = questions.front();
  const auto sample = std::ranges::find_if(
      questions.begin() + 2, questions.end(),
      [&](const Question& q) { return q.topic == asked.topic && q.ids != asked.ids; });
  ASSERT_NE(sample, questions.end());
  const auto run_of = [&](const Question& q) {
    return record_run(model, tokens_of_ids(q.ids), "");
  };
  const ModelRun intact = run_of(asked), other = run_of(*sample);
  MeanZ mean(model.config());
  mean.add(other.trace);
  const Tensor z = mean.mean();
  const HeadRemoval removal(model, {*sample}, 1);
  removal.visit(asked, 0, [&](bool right, const HeadRemoval::Ask& ask) {
    EXPECT_EQ(right, names_it(model, asked, intact.last_hidden));
    for (std::int64_t head = 0; head < 8; ++head) {
      const std::vector<AblatedHead> heads = {{head / 4, head % 4}};
      const auto answers = ask(heads);
      for (std::size_t i = 0; i < answers.size(); ++i) {
        const Ablation ablation{
            .heads = heads, .replacement = kReplacements[i], .mean = z, .other = &other};
        const ModelRun run = run_ablated(model, intact, ablation);
        EXPECT_EQ(answers[i], names_it(model, asked, run.last_hidden)) << head << ' ' << i;
      }
    }
  });
  const auto foreign =
      std::ranges::find_if(questions, [&](const Question& q) { return q.topic != asked.topic; });
  ASSERT_NE(foreign, questions.end());
  testing::expect_error([&] { removal.visit(*foreign, 0, [](bool, const auto&) {}); },
                        {"[abilities]", "no training sentence"});
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

TEST(HeadSets, TheStrongestAreOfOneLayer) {
  const std::vector<std::int64_t> counts = {9, 0, 1, 5, 6, 0};
  EXPECT_EQ(strongest_set(counts, 3, 1), (HeadNumbers{0}));
  EXPECT_EQ(strongest_set(counts, 3, 2), (HeadNumbers{4, 3}));
  EXPECT_EQ(strongest_set(counts, 3, 3), (HeadNumbers{4, 3, 5}));
}

TEST(HeadSets, RandomSetsAreOfOtherHeads) {
  EXPECT_EQ(random_sets({2}, 4, 9, 1), (std::vector<HeadNumbers>{{0}, {1}, {3}}));
  const auto sets = random_sets({0, 5}, 6, 200, 1);
  ASSERT_EQ(sets.size(), 200u);
  std::map<std::int64_t, int> drawn;
  for (const HeadNumbers& set : sets) {
    EXPECT_EQ(std::set(set.begin(), set.end()).size(), 2u);
    for (const std::int64_t head : set) ++drawn[head];
  }
  ASSERT_EQ(drawn.size(), 4u) << "1 to 4";
  for (const auto& [head, times] : drawn) {
    EXPECT_TRUE(1 <= head && head <= 4) << head;
    EXPECT_NEAR(times, 100, 40) << head;
  }
  EXPECT_TRUE(random_sets({0, 1}, 3, 9, 1).empty());
}

}  // namespace
}  // namespace headlight
