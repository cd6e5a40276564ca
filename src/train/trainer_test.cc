// Whole runs: a small model learns, and a run that was stopped anywhere ends as one that was not.
#include "train/trainer.h"

#include <gtest/gtest.h>

#include <fstream>

#include "core/mapped_file.h"
#include "model/transformer.h"
#include "support/expect_error.h"
#include "support/shared.h"
#include "train/checkpoint.h"
#include "train/random.h"
#include "train/run.h"

namespace headlight {
namespace {

/// Eight sentences of random tokens, the same at every step.
class EightSentences final : public ExampleSource {
 public:
  explicit EightSentences(bool masked) : masked_(masked) {}
  std::int64_t vocab_size() const override { return 20; }
  Example example(std::uint64_t index) const override {
    Random random(5, RandomUse::examples, index % 8);
    Example out;
    const std::int64_t length = 6 + random.below(6);
    // The first token names the sentence, so that nothing has to be guessed.
    out.ids.push_back(static_cast<std::int64_t>(index % 8));
    while (std::ssize(out.ids) < length) out.ids.push_back(8 + random.below(11));
    if (masked_)
      hide(out, random);
    else
      ask_next(out);
    return out;
  }
  void write_tokenizer(const std::filesystem::path&) const override {}
  std::string fingerprint() const override { return masked_ ? "masked" : "next"; }

 private:
  static void ask_next(Example& out) {
    out.targets.assign(out.ids.begin() + 1, out.ids.end());
    out.targets.push_back(kIgnoredTarget);
  }
  static void hide(Example& out, Random& random) {
    out.targets.assign(out.ids.size(), kIgnoredTarget);
    for (int n = 0; n < 2; ++n) {
      const auto at = static_cast<std::size_t>(1 + random.below(std::ssize(out.ids) - 1));
      if (out.targets[at] == kIgnoredTarget) out.targets[at] = out.ids[at];
      out.ids[at] = 19;
    }
  }
  bool masked_;
};

TrainSettings settings_for(std::string_view family) {
  std::string model;
  if (family == "gpt2")
    model = R"({"model_type": "gpt2", "n_layer": 2, "n_head": 4, "n_embd": 32, "n_positions": 16})";
  if (family == "llama")
    model = R"({"model_type": "llama", "num_hidden_layers": 2, "num_attention_heads": 4,
                "num_key_value_heads": 2, "hidden_size": 32, "intermediate_size": 64,
                "max_position_embeddings": 16})";
  if (family == "bert")
    model = R"({"model_type": "bert", "architectures": ["BertForMaskedLM"],
                "num_hidden_layers": 2, "num_attention_heads": 4, "hidden_size": 32,
                "intermediate_size": 64, "max_position_embeddings": 16})";
  return train_settings(fmt::format(R"({{"model": {}, "data": {{"kind": "text"}}, "steps": 200,
      "sequences": 8, "micro_batches": 2, "learning_rate": 0.01, "warmup": 10,
      "weight_decay": 0, "seed": 3, "checkpoint_every": 4}})",
                                    model),
                        "test");
}

class Families : public ::testing::TestWithParam<const char*> {
 protected:
  TrainSettings settings_ = settings_for(GetParam());
  EightSentences source_{GetParam() == std::string_view("bert")};
};
INSTANTIATE_TEST_SUITE_P(All, Families, ::testing::Values("gpt2", "llama", "bert"),
                         [](const auto& family) { return std::string(family.param); });

TEST_P(Families, OverfitEightSentences) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "a whole training takes minutes with sanitizers; the others cover its parts";
#endif
  Trainer trainer(settings_, source_);
  LossSum sum;
  for (std::int64_t i = 0; i < settings_.steps; ++i) sum = trainer.step().sum;
  EXPECT_LT(sum.mean(), 0.01);
  EXPECT_EQ(sum.right, sum.targets);
}

TEST_P(Families, WriteAFolderThatTheModelLoads) {
  Trainer trainer(settings_, source_);
  trainer.step();
  const auto folder = testing::scratch_folder();
  trainer.write_model(folder);
  const Transformer model = Transformer::load(folder);
  EXPECT_EQ(model.n_parameters(), trainer.n_parameters());
  EXPECT_EQ(model.config().vocab_size, 20);
  EXPECT_TRUE(model.forward(std::vector<std::int64_t>{1, 2, 3}).logits);
}

std::string model_bytes(const std::filesystem::path& folder) {
  return read_text_file(folder / "model.safetensors");
}

/// Runs into `folder` from a new trainer, stopping after `stop_after` steps of its own.
bool run_some(const TrainSettings& settings, const ExampleSource& source,
              const std::filesystem::path& folder, std::int64_t stop_after) {
  Trainer trainer(settings, source);
  return run_training(settings, trainer,
                      {.out = folder, .resume = true, .on_step = {}, .should_stop = [&] {
                         return --stop_after == 0;
                       }});
}

TEST_P(Families, AResumedRunEndsAsAnUninterruptedOne) {
  settings_.steps = 12;
  const auto whole = testing::scratch_folder(), parts = testing::scratch_folder() / "parts";
  EXPECT_TRUE(run_some(settings_, source_, whole, 1000));
  EXPECT_FALSE(run_some(settings_, source_, parts, 5));
  EXPECT_FALSE(run_some(settings_, source_, parts, 1));
  EXPECT_TRUE(run_some(settings_, source_, parts, 1000));
  EXPECT_EQ(model_bytes(whole), model_bytes(parts));
  std::ifstream metrics(parts / "metrics.jsonl");
  std::int64_t expected = 0;
  for (std::string line; std::getline(metrics, line);)
    EXPECT_EQ(Json::parse(line).at("step"), ++expected);
  EXPECT_EQ(expected, 12);
}

TEST(Trainer, TiedHeadsStayEqual) {
  const TrainSettings settings = settings_for("bert");
  const EightSentences source(true);
  Trainer trainer(settings, source), apart(settings, source);
  trainer.tie_heads();
  EXPECT_LT(trainer.n_free_parameters(), trainer.n_parameters());
  for (int i = 0; i < 5; ++i) {
    trainer.step();
    apart.step();
  }
  testing::expect_error([&] { trainer.tie_heads(); }, {"[train]", "before the first step", "5"});
  const auto folder = testing::scratch_folder();
  trainer.write_model(folder);
  const ParameterLayout layout(trainer.config());
  Tensor values = layout.make_store(), copied = layout.make_store();
  read_parameters(layout, folder, values);
  read_parameters(layout, folder, copied);
  TiedHeads(layout).copy_first(copied);
  EXPECT_TRUE(std::ranges::equal(values.span<float>(), copied.span<float>()));
  apart.write_model(folder);
  read_parameters(layout, folder, values);
  read_parameters(layout, folder, copied);
  TiedHeads(layout).copy_first(copied);
  EXPECT_FALSE(std::ranges::equal(values.span<float>(), copied.span<float>()));
  testing::expect_error(
      [&] {
        trainer.save(folder / "checkpoint.safetensors");
        Trainer(settings, source).restore(folder / "checkpoint.safetensors");
      },
      {"[checkpoint]", "another run"});
}

TEST(Checkpoint, BelongsToOneRun) {
  TrainSettings settings = settings_for("gpt2");
  settings.steps = 3;
  const EightSentences source(false);
  const auto folder = testing::scratch_folder();
  run_some(settings, source, folder, 1000);
  settings.learning_rate = 0.02;
  testing::expect_error([&] { run_some(settings, source, folder, 1000); },
                        {"[checkpoint]", "another run", "--out"});
  Trainer trainer(settings, source);
  testing::expect_error([&] { run_training(settings, trainer, {.out = folder}); },
                        {"[train]", "--resume"});
}

TEST(Checkpoint, RefusesADamagedFile) {
  const TrainSettings settings = settings_for("gpt2");
  const EightSentences source(false);
  const auto path = testing::scratch_folder() / "checkpoint.safetensors";
  Trainer trainer(settings, source);
  trainer.save(path);
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 4);
  testing::expect_error([&] { trainer.restore(path); }, {"checkpoint.safetensors"});
}

TEST(Run, RemovesWhatAKilledWriterLeft) {
  TrainSettings settings = settings_for("gpt2");
  settings.steps = 1;
  const auto folder = testing::scratch_folder();
  std::ofstream(folder / "checkpoint.safetensors.tmp-abcdef") << "half";
  run_some(settings, EightSentences(false), folder, 1000);
  EXPECT_FALSE(std::filesystem::exists(folder / "checkpoint.safetensors.tmp-abcdef"));
}

TEST(Settings, RefuseWhatNobodyReads) {
  const auto refuse = [](std::string_view text, std::initializer_list<std::string_view> parts) {
    testing::expect_error([&] { train_settings(text, "file.json"); }, parts);
  };
  refuse(R"({"model": {}, "data": {"kind": "text"}, "lerning_rate": 1})",
         {"file.json", "lerning_rate", "learning_rate"});
  refuse(R"({"model": {}, "data": {"kind": "txt"}})", {"kind", "txt", "micro-world"});
  refuse(R"({"model": {}, "data": {"size": 3}})", {"file.json: data", "size"});
  refuse(R"({"model": {}, "data": {}, "steps": 0})", {"steps"});
  refuse(R"({"model": {}, "data": {}, "clip": -1})", {"clip", "-1"});
  refuse(R"({"model": {}, "data": {}, "sequences": 2, "micro_batches": 3})", {"2 sequences", "3"});
  refuse(R"({"data": {}})", {"model"});
}

TEST(Settings, ComeBackFromTheirJson) {
  for (const Preset& preset : presets())
    for (const TrainSettings& settings : train_parts(preset.settings, preset.name)) {
      const std::string text = to_json(settings).dump();
      EXPECT_EQ(to_json(train_settings(text, "again")).dump(), text) << preset.name;
    }
}

TEST(Settings, OfALaterPartAreThoseBeforeExceptWhereTheyDiffer) {
  const auto parts = train_parts(R"({"model": {"n_layer": 2}, "data": {"kind": "sort"}, "steps": 9,
      "seed": 5, "warmup": 3, "then": {"steps": 4, "then": {"seed": 6}}})",
                                 "file.json");
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_EQ(parts[0].steps, 9);
  for (std::size_t i : {1u, 2u}) {
    EXPECT_EQ(parts[i].model, parts[0].model);
    EXPECT_EQ(parts[i].data.kind, DataKind::sort);
    EXPECT_EQ(parts[i].steps, 4);
    EXPECT_EQ(parts[i].warmup, 3);
    EXPECT_EQ(parts[i].seed, i == 1 ? 5u : 6u);
  }
}

TEST(Settings, RefusePartsThatCannotGoOn) {
  const auto refuse = [](std::string_view text, std::initializer_list<std::string_view> parts) {
    testing::expect_error([&] { train_parts(text, "file.json"); }, parts);
  };
  refuse(R"({"model": {}, "data": {}, "then": {"steps": 4}})", {"kind text", "vocabularies"});
  refuse(R"({"model": {}, "data": {"kind": "sort"}, "then": {"data": {"kind": "micro-world"}}})",
         {"file.json: then", "micro-world", "sort"});
  refuse(R"({"model": {}, "data": {"kind": "sort"}, "then": {"model": {}}})", {"then", "model"});
  refuse(R"({"model": {}, "data": {"kind": "sort"}, "then": 3})", {"then", "object"});
  refuse(R"({"model": {}, "data": {"kind": "sort"}, "then": {"stepps": 3}})",
         {"file.json: then", "stepps", "steps"});
}

TEST(Settings, FingerprintsTellRunsApart) {
  TrainSettings settings = settings_for("gpt2");
  const std::string before = fingerprint(settings);
  settings.checkpoint_every = 7;
  EXPECT_EQ(fingerprint(settings), before);
  settings.seed = 4;
  EXPECT_NE(fingerprint(settings), before);
}

TEST(Trainer, SaysSoWhenTheLossIsNoNumber) {
  TrainSettings settings = settings_for("gpt2");
  settings.learning_rate = 10;
  settings.warmup = 0;
  settings.adamw.weight_decay = 10;
  settings.initial_deviation = 10;
  const EightSentences source(false);
  Trainer trainer(settings, source);
  testing::expect_error(
      [&] {
        for (int i = 0; i < 200; ++i) trainer.step();
      },
      {"[train]", "step ", "learning_rate"});
}

std::string bytes_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Trainer, StartsFromATrainedModelsWeights) {
  TrainSettings settings = settings_for("bert");
  settings.data.kind = DataKind::micro_world;
  const EightSentences source(true);
  Trainer first(settings, source);
  for (int i = 0; i < 5; ++i) first.step();
  const auto folder = testing::scratch_folder(), again = folder / "again";
  std::filesystem::create_directories(again);
  first.write_model(folder);
  settings.seed = 4;
  Trainer second(settings, source), from_random(settings, source);
  second.start_from(folder);
  second.write_model(again);
  EXPECT_EQ(bytes_of(folder / "model.safetensors"), bytes_of(again / "model.safetensors"));
  second.step();
  second.save(folder / "checkpoint");
  testing::expect_error([&] { from_random.restore(folder / "checkpoint"); }, {"another run"});
  testing::expect_error([&] { second.start_from(folder); }, {"before the first step"});
  settings.data.kind = DataKind::text;
  Trainer of_text(settings, source);
  testing::expect_error([&] { of_text.start_from(folder); }, {"vocabulary"});
}

}  // namespace
}  // namespace headlight
