// The command line from outside: exit codes, one-line errors, files and numbers.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "app/program.h"
#include "core/mapped_file.h"
#include "core/utf8.h"
#include "inspect/ablation.h"
#include "inspect/ablation_effect.h"
#include "inspect/blend.h"
#include "inspect/concat.h"
#include "inspect/trace.h"
#include "io/safetensors.h"
#include "model/transformer.h"
#include "support/golden.h"
#include "support/shared.h"
#include "support/tiny_model.h"

namespace headlight {
namespace {
namespace fs = std::filesystem;
using nlohmann::json;
using testing::ProgramResult;
using testing::run_headlight;

const std::vector<std::int64_t> kIds = {3, 1, 4, 1, 5, 9, 2, 6};
constexpr const char* kIdsText = "3,1,4 1,5,9,2,6";

/// A folder of models: tiny ones of each family, and damaged ones.
class Cli : public ::testing::Test {
 protected:
  Cli() : models_(testing::scratch_folder()) {
    write_model(testing::tiny_gpt2(), models_ / "tiny-gpt2");
    write_model(testing::tiny_llama(), models_ / "tiny-llama");
    write_model(testing::tiny_bert(), models_ / "tiny-bert");
  }
  ~Cli() override { fs::remove_all(models_); }

  ProgramResult run(const std::vector<std::string>& args) const {
    return run_headlight(args, {{"HEADLIGHT_MODELS", models_.string()}});
  }
  json run_json(std::vector<std::string> args) const {
    args.push_back("--json");
    const ProgramResult ran = run(args);
    EXPECT_EQ(ran.exit_code, 0) << ran.err;
    EXPECT_EQ(ran.err, "");
    return json::parse(ran.out);
  }
  std::string file(const std::string& name) const { return (models_ / name).string(); }

  fs::path models_;
};

/// One line on standard error that says every part, nothing on standard output.
void expect_refused(const ProgramResult& ran, int exit_code,
                    const std::vector<std::string>& parts) {
  EXPECT_EQ(ran.exit_code, exit_code) << ran.err;
  EXPECT_EQ(ran.out, "");
  EXPECT_TRUE(ran.err.starts_with("headlight: ")) << ran.err;
  EXPECT_EQ(ran.err.find('\n'), ran.err.size() - 1) << ran.err;
  for (const std::string& part : parts)
    EXPECT_NE(ran.err.find(part), std::string::npos) << part << " is not in: " << ran.err;
}

TEST_F(Cli, WrongUsageIsOneLineWithAHint) {
  expect_refused(run({"show", "--modl", "x"}), 2, {"--modl", "--model", "headlight show --help"});
  expect_refused(run({"shwo"}), 2, {"shwo", "\"show\"", "headlight --help"});
  expect_refused(run({}), 2, {"--help"});
  expect_refused(run({"show"}), 2, {"--text", "--ids"});
  expect_refused(run({"show", "--model", "tiny-gpt2", "--ids", "1", "--layer", "x"}), 2,
                 {"--layer"});
  expect_refused(run({"show", "--model", "tiny-gpt2"}), 2, {"--text", "--ids"});
  expect_refused(run({"show", "--model", "tiny-gpt2", "text", "--ids", "1"}), 2, {"not both"});
  expect_refused(run({"show", "--model", "tiny-gpt2", "--ids", "1,two"}), 2, {"two", "1,2,3"});
  expect_refused(run({"show", "--model", "tiny-gpt2", "--ids", "1", "--gate", "1:0"}), 2, {"1:0"});
  expect_refused(run({"models", "--kernel", "quick"}), 2, {"quick", "ref"});
  expect_refused(run({"models", "--threads", "0"}), 2, {"--threads"});
  expect_refused(run({"lab", "--port", "70000"}), 2, {"--port"});
  expect_refused(run({"show", "--model", "x", "one", "two\x1b[31m"}), 2, {"two\\x1b"});
}

TEST_F(Cli, HelpAndVersion) {
  EXPECT_EQ(run({"--version"}).out.substr(0, 10), "headlight ");
  for (const char* command :
       {"show", "logits", "trace", "pattern", "concat", "ablate", "models", "lab"}) {
    const ProgramResult ran = run({command, "--help"});
    EXPECT_EQ(ran.exit_code, 0);
    EXPECT_NE(ran.out.find("Examples:"), std::string::npos) << command;
  }
}

TEST_F(Cli, FailuresAreOneLineAndExitOne) {
  const auto show = [&](std::vector<std::string> more) {
    std::vector<std::string> args = {"show", "--model", "tiny-gpt2"};
    args.insert(args.end(), more.begin(), more.end());
    return run(args);
  };
  expect_refused(run({"show", "--model", "tiny-gpt", "--ids", "1"}), 1,
                 {"tiny-gpt", "tiny-gpt2", models_.string()});
  expect_refused(show({"a text"}), 1, {"no tokenizer", "ids"});
  expect_refused(show({"--ids", "1,17"}), 1, {"17", "[0, 17)"});
  expect_refused(show({"--ids", "1 1 1 1 1 1 1 1 1 1"}), 1, {"10 ids", "9 positions"});
  expect_refused(show({"--ids", "1", "--layer", "2"}), 1, {"layer 2", "[0, 2)"});
  expect_refused(show({"--ids", "1", "--head", "3"}), 1, {"head 3", "[0, 3)"});
  expect_refused(show({"--ids", "1", "--query", "1"}), 1, {"query 1", "[0, 1)"});
  expect_refused(show({"--ids", "1", "--gate", "0.7=0"}), 1, {"0.7", "[0, 3)"});
  expect_refused(show({"--ids", "1", "--gate", "0.1=1.5"}), 1, {"1.5", "[0, 1]"});
  expect_refused(run({"logits", "--model", "tiny-gpt2", "--ids", "1", "--out", "/no/such/f"}), 1,
                 {"/no/such"});
  expect_refused(run({"pattern", "--trace", file("none"), "--layer", "0", "--head", "0"}), 1,
                 {"none"});
  expect_refused(run({"models", "/no/such/folder"}), 1, {"/no/such/folder"});
  expect_refused(run({"show", "--model", "tiny-gpt2", "--ids", fmt::format("@{}", file("none"))}),
                 1, {"none"});
}

TEST_F(Cli, StandardOutputThatTakesNothingIsAFailure) {
  std::vector<std::string> words = {"/bin/sh", "-c", "exec \"$@\" >/dev/full", "sh"};
  for (const std::string& word : testing::headlight_command({"models"})) words.push_back(word);
  const ProgramResult ran = testing::run_program(words, models_);
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_NE(ran.err.find("standard output"), std::string::npos) << ran.err;
}

TEST_F(Cli, ModelsListsTheSoundAndTheDamaged) {
  testing::TinyModel cut = testing::tiny_llama();
  cut.tensors.erase("layers.1.mlp.up_proj.weight");
  write_model(cut, models_ / "cut");
  fs::create_directories(models_ / "empty-config");
  std::ofstream(models_ / "empty-config" / "config.json") << "{}";
  fs::create_directories(models_ / "not-a-model");

  const json listed = run_json({"models"});
  std::map<std::string, json> by_name;
  for (const json& model : listed["models"]) by_name[model["name"]] = model;
  EXPECT_EQ(by_name.size(), 7u) << listed;
  EXPECT_EQ(listed["models"][0]["name"], "lumen") << "the built-in model comes first";
  EXPECT_EQ(by_name["lumen"]["single_head_twin"], "lumen-one");
  EXPECT_EQ(by_name["lumen-one"]["n_heads"], 1);
  EXPECT_EQ(by_name["tiny-llama"]["n_kv_heads"], 2);
  EXPECT_EQ(by_name["tiny-llama"]["parameters"],
            Transformer::load(models_ / "tiny-llama").n_parameters());
  EXPECT_TRUE(by_name["tiny-bert"]["error"].is_null());
  EXPECT_NE(by_name["cut"]["error"].get<std::string>().find("up_proj"), std::string::npos);
  EXPECT_NE(by_name["empty-config"]["error"].get<std::string>().find("config.json"),
            std::string::npos);
  const ProgramResult text = run({"models"});
  EXPECT_EQ(text.exit_code, 0);
  EXPECT_NE(text.out.find("cut"), std::string::npos);
}

TEST_F(Cli, TheFirstOfTwoModelsWithOneNameIsMeant) {
  write_model(testing::tiny_llama(), models_ / "second" / "tiny-gpt2");
  const testing::Environment both = {
      {"HEADLIGHT_MODELS", models_.string() + ":" + (models_ / "second").string()}};
  const ProgramResult ran = run_headlight({"models", "--json"}, both);
  const json listed = json::parse(ran.out);
  int shadowed = 0;
  for (const json& model : listed["models"]) shadowed += model["shadowed"].get<bool>();
  EXPECT_EQ(shadowed, 1);
  const ProgramResult shown =
      run_headlight({"show", "--model", "tiny-gpt2", "--ids", "1", "--json"}, both);
  EXPECT_EQ(json::parse(shown.out)["model"]["family"], "gpt2");
}

TEST_F(Cli, WithoutAModelTheBuiltInOneIsUsed) {
  const std::string text = "The animal didn't cross the street because it was too tired.";
  const json shown = run_json({"show", text, "--query", "8", "--layer", "2"});
  EXPECT_EQ(shown["model"]["name"], "lumen");
  EXPECT_EQ(shown["tokens"][8]["piece"], "it");
  for (const json& role : shown["roles"]) EXPECT_EQ(role["layer"], 2);
  EXPECT_EQ(run_json({"show", "--model", "lumen", text, "--query", "8", "--layer", "2"}), shown);
  const std::string out = file("abilities.json");
  const json asked = run_json({"relations", "--looks-only", "--sentences", "20", "--out", out});
  EXPECT_EQ(asked["sentences"], 20);
  EXPECT_EQ(asked["relations"][0]["looks"].size(), 32u);
  EXPECT_FALSE(asked["relations"][0].contains("without"));
  EXPECT_EQ(json::parse(read_text_file(out)), asked);
  const ProgramResult table = run({"relations", "--looks-only", "--sentences", "20", "--markdown"});
  EXPECT_NE(table.out.find("| relation | language |"), std::string::npos) << table.err;
  expect_refused(run({"relations", "--model", "tiny-bert"}), 1, {"tiny-bert", "no tokenizer"});
}

TEST_F(Cli, ASnapshotOfAHuggingFaceCacheIsFoundByItsName) {
  const fs::path repository = models_ / "hub" / "models--some--model";
  write_model(testing::tiny_bert(), repository / "snapshots" / "abc");
  write_model(testing::tiny_llama(), repository / "snapshots" / "zzz");
  fs::create_directories(repository / "refs");
  std::ofstream(repository / "refs" / "main") << "abc";
  const ProgramResult ran = run_headlight({"show", "--model", "some/model", "--ids", "1", "--json"},
                                          {{"HF_HUB_CACHE", (models_ / "hub").string()}});
  ASSERT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_EQ(json::parse(ran.out)["model"]["family"], "bert");
  EXPECT_EQ(json::parse(ran.out)["model"]["name"], "some/model");
}

TEST_F(Cli, LogitsAreThoseOfTheForwardPass) {
  const Transformer model = Transformer::load(models_ / "tiny-llama");
  const std::string out = file("out.safetensors");
  run_json({"logits", "--model", "tiny-llama", "--ids", kIdsText, "--out", out});
  const SafetensorsFile written(out);
  EXPECT_EQ(testing::integers(written, "input_ids"), kIds);
  EXPECT_EQ(testing::largest_difference(written.tensor("logits"), model.forward(kIds).logits), 0);
}

TEST_F(Cli, GatesReachTheForwardPass) {
  const Transformer model = Transformer::load(models_ / "tiny-gpt2");
  HeadGates gates(model.config());
  gates.set(0, 1, 0);
  gates.set(1, 2, 0.5f);
  const std::string out = file("out.safetensors");
  run_json({"logits", "--model", "tiny-gpt2", "--ids", kIdsText, "--gate", "0.1=0,1.2=0.5", "--out",
            out});
  const SafetensorsFile written(out);
  const Tensor gated = model.forward(kIds, {.head_gates = &gates}).logits;
  EXPECT_EQ(testing::largest_difference(written.tensor("logits"), gated), 0);
  EXPECT_GT(testing::largest_difference(gated, model.forward(kIds).logits), 1e-4);
}

TEST_F(Cli, AnEncoderGivesItsLastHiddenState) {
  const Transformer model = Transformer::load(models_ / "tiny-bert");
  const std::string out = file("out.safetensors");
  const json said = run_json({"logits", "--model", "tiny-bert", "--ids", kIdsText, "--out", out});
  EXPECT_EQ(said["tensor"], "last_hidden_state");
  const SafetensorsFile written(out);
  EXPECT_FALSE(written.contains("logits"));
  EXPECT_EQ(testing::largest_difference(written.tensor("last_hidden_state"),
                                        model.forward(kIds).last_hidden),
            0);
}

TEST_F(Cli, PatternsOfATraceFileAreThoseOfTheTrace) {
  const Transformer model = Transformer::load(models_ / "tiny-llama");
  const Trace trace = record_trace(model, tokens_of_ids(kIds), "");
  const std::string file_name = file("trace.safetensors"), out = file("pattern.safetensors");
  run_json({"trace", "--model", "tiny-llama", "--ids", kIdsText, "--out", file_name});
  const std::vector<std::string> pattern = {"pattern", "--trace", file_name, "--layer", "1",
                                            "--head",  "2",       "--rows",  "2:5"};
  const json printed = run_json(pattern);
  const Tensor rows = pattern_rows(trace, 1, 2, 2, 5);
  std::size_t i = 0;
  for (const json& row : printed["pattern"])
    for (const json& value : row) EXPECT_EQ(value.get<float>(), rows.span<float>()[i++]);
  EXPECT_EQ(i, 3 * kIds.size());

  std::vector<std::string> to_file = pattern;
  to_file.insert(to_file.end(), {"--out", out});
  EXPECT_EQ(run(to_file).exit_code, 0);
  EXPECT_EQ(testing::largest_difference(SafetensorsFile(out).tensor("pattern"), rows), 0);
  expect_refused(run({"pattern", "--trace", file_name, "--layer", "1", "--head", "4"}), 1,
                 {"[0, 4)"});
  expect_refused(
      run({"pattern", "--trace", file_name, "--layer", "1", "--head", "0", "--rows", "5:9"}), 1,
      {"5:9", "8"});
}

TEST_F(Cli, ShowPrintsTheRowsOfTheTrace) {
  const Transformer model = Transformer::load(models_ / "tiny-llama");
  const Trace trace = record_trace(model, tokens_of_ids(kIds), "");
  const json shown = run_json({"show", "--model", "tiny-llama", "--ids", kIdsText, "--query", "5"});
  ASSERT_EQ(shown["layers"].size(), 2u);
  for (const json& layer : shown["layers"]) {
    const Tensor rows = query_rows(trace, layer["layer"], 5);
    std::size_t i = 0;
    for (const json& head : layer["heads"]) {
      EXPECT_EQ(head["kv_head"], head["head"].get<int>() / 2);
      for (const json& value : head["row"]) EXPECT_EQ(value.get<float>(), rows.span<float>()[i++]);
    }
    EXPECT_EQ(i, 4 * kIds.size());
    const Tensor average = average_of_heads(rows);
    for (std::size_t t = 0; t < kIds.size(); ++t)
      EXPECT_EQ(layer["average_of_heads"][t].get<float>(), average.span<float>()[t]);
  }
  const json one = run_json({"show", "--model", "tiny-llama", "--ids", kIdsText, "--query", "5",
                             "--layer", "1", "--head", "3"});
  ASSERT_EQ(one["layers"].size(), 1u);
  EXPECT_EQ(one["layers"][0]["heads"], json::array({shown["layers"][1]["heads"][3]}));
  EXPECT_EQ(one["layers"][0]["average_of_heads"], shown["layers"][1]["average_of_heads"]);
}

TEST_F(Cli, AblationsAreThoseOfTheLibrary) {
  const std::vector<std::int64_t> other_ids = {7, 7};
  for (const std::string name : {"tiny-llama", "tiny-bert"}) {
    const Transformer model = Transformer::load(models_ / name);
    const ModelRun intact = record_run(model, tokens_of_ids(kIds), "");
    const ModelRun other = record_run(model, tokens_of_ids(other_ids), "");
    const Ablation ablation{.heads = {{0, 1, 0.0f}, {1, 2, 0.25f}},
                            .replacement = Replacement::resample,
                            .other = &other};
    const ModelRun after = run_ablated(model, intact, ablation);
    const Tensor direct = estimate_directly(model, intact, ablation);
    const json said =
        run_json({"ablate", "--model", name, "--ids", kIdsText, "--heads", "0.1,1.2=0.25", "--how",
                  "resample", "--with", "7,7", "--query", "5", "--layer", "1"});
    EXPECT_EQ(said["how"], "resample");
    EXPECT_EQ(said["heads"][1], (json{{"layer", 1}, {"head", 2}, {"gate", 0.25}}));
    for (const auto& [key, state] :
         {std::pair("after", &after.last_hidden), std::pair("direct", &direct)}) {
      const auto changes = row_changes(intact.last_hidden, *state);
      ASSERT_EQ(said["final"][key].size(), changes.size());
      for (std::size_t t = 0; t < changes.size(); ++t) {
        const json& one = said["final"][key][t];
        EXPECT_EQ(one["cosine"].get<float>(), static_cast<float>(changes[t].cosine));
        EXPECT_EQ(one["norm_after"].get<float>(), static_cast<float>(changes[t].norm_after));
        EXPECT_EQ(one["difference"].get<float>(), static_cast<float>(changes[t].difference));
      }
    }
    const auto width = static_cast<std::size_t>(model.config().d_model);
    for (std::size_t j = 0; j < width; ++j)
      EXPECT_EQ(said["block"]["out"][j].get<float>(),
                after.trace.layers[1].out.span<float>()[5 * width + j]);
    EXPECT_EQ(said["layers"].size(), 2u);
    EXPECT_EQ(said["predictions"].is_null(), !model.has_logits());
    if (!model.has_logits()) continue;
    const Tensor before = model.logits(intact.last_hidden), now = model.logits(after.last_hidden);
    const auto best = testing::argmax_rows(before)[5];
    EXPECT_EQ(said["predictions"]["best"][0]["id"], best);
    const auto row = now.span<float>().subspan(5 * 17, 17);
    double sum = 0;
    for (double x : row) sum += std::exp(x);
    EXPECT_NEAR(said["predictions"]["best"][0]["after"].get<double>(),
                std::exp(row[static_cast<std::size_t>(best)]) / sum, 1e-5);
  }
}

TEST_F(Cli, AblationsByMeanReadACorpusAndDefaultToTheText) {
  const std::vector<std::string> ablate = {"ablate", "--model", "tiny-gpt2", "--ids",
                                           kIdsText, "--heads", "1.*",       "--how"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), ablate.begin(), ablate.end());
    return more;
  };
  const Transformer model = Transformer::load(models_ / "tiny-gpt2");
  const ModelRun intact = record_run(model, tokens_of_ids(kIds), "");
  MeanZ mean(model.config());
  mean.add(intact.trace);
  const Tensor z = mean.mean();
  const Ablation ablation{
      .heads = {{1, 0}, {1, 1}, {1, 2}}, .replacement = Replacement::mean, .mean = z};
  const auto changes =
      row_changes(intact.last_hidden, run_ablated(model, intact, ablation).last_hidden);
  const json said = run_json(with({"mean"}));
  EXPECT_EQ(said["heads"].size(), 3u);
  EXPECT_EQ(said["query"], 7);
  EXPECT_EQ(said["block"]["layer"], 1);
  EXPECT_EQ(said["final"]["after"][3]["cosine"].get<float>(),
            static_cast<float>(changes[3].cosine));
  std::ofstream(models_ / "corpus") << "one text\r\n\nanother\n";
  expect_refused(run(with({"mean", "--corpus", file("corpus")})), 1, {"no tokenizer"});
  std::ofstream(models_ / "corpus") << "\n";
  expect_refused(run(with({"mean", "--corpus", file("corpus")})), 1, {"corpus", "no text"});
}

TEST_F(Cli, AblationsThatMakeNoSenseAreRefused) {
  const auto ablate = [&](std::vector<std::string> more) {
    std::vector<std::string> args = {"ablate", "--model", "tiny-gpt2", "--ids", kIdsText};
    args.insert(args.end(), more.begin(), more.end());
    return run(args);
  };
  expect_refused(ablate({}), 2, {"--heads"});
  expect_refused(ablate({"--heads", "3"}), 2, {"\"3\"", "0.3,2.1"});
  expect_refused(ablate({"--heads", "0.1=x"}), 2, {"0.1=x"});
  expect_refused(ablate({"--heads", ","}), 2, {"no head"});
  expect_refused(ablate({"--heads", "0.3"}), 1, {"0.3", "[0, 3)"});
  expect_refused(ablate({"--heads", "2.*"}), 1, {"[0, 2)"});
  expect_refused(ablate({"--heads", "0.1=2"}), 1, {"gate 2", "[0, 1]"});
  expect_refused(ablate({"--heads", "0.*,0.1"}), 1, {"0.1 is named twice"});
  expect_refused(ablate({"--heads", "0.1", "--query", "8"}), 1, {"query 8", "[0, 8)"});
  expect_refused(ablate({"--heads", "0.1", "--layer", "2"}), 1, {"layer 2", "[0, 2)"});
  expect_refused(ablate({"--heads", "0.1", "--how", "none"}), 2, {"none", "resample"});
  expect_refused(ablate({"--heads", "0.1", "--how", "resample"}), 2, {"--with"});
  expect_refused(ablate({"--heads", "0.1", "--with", "1"}), 2, {"--how resample"});
  expect_refused(ablate({"--heads", "0.1", "--corpus", "f"}), 2, {"--how mean"});
  expect_refused(ablate({"--heads", "0.1", "--how", "resample", "--with", "99"}), 1, {"99"});
  const ProgramResult text = ablate({"--heads", "0.1"});
  EXPECT_EQ(text.exit_code, 0);
  EXPECT_NE(text.out.find("direct estimate"), std::string::npos) << text.out;
}

TEST_F(Cli, ConcatIsThatOfTheLibrary) {
  const Transformer model = Transformer::load(models_ / "tiny-gpt2");
  const Trace trace = record_trace(model, tokens_of_ids(kIds), "");
  const Concat concat = concat_at(model, trace, 1, 4);
  const json said = run_json(
      {"concat", "--model", "tiny-gpt2", "--ids", kIdsText, "--layer", "1", "--query", "4"});
  ASSERT_EQ(said["heads"].size(), 3u);
  std::size_t i = 0, k = 0;
  for (std::size_t h = 0; h < 3; ++h) {
    const json& head = said["heads"][h];
    for (const json& value : head["z"]) EXPECT_EQ(value.get<float>(), concat.z.span<float>()[i++]);
    for (const json& value : head["head_out"])
      EXPECT_EQ(value.get<float>(), concat.head_out.span<float>()[k++]);
    EXPECT_EQ(head["norm"].get<float>(), static_cast<float>(concat.heads[h].norm));
    EXPECT_EQ(head["cosine"].get<float>(), static_cast<float>(concat.heads[h].cosine));
  }
  EXPECT_EQ(i, 12u);
  EXPECT_EQ(k, 36u);
  EXPECT_EQ(said["sources"].size(), kIds.size());
  EXPECT_EQ(said["b_o"]["vector"].size(), 12u);
  expect_refused(run({"concat", "--model", "tiny-gpt2", "--ids", "1", "--layer", "2"}), 1,
                 {"layer 2", "[0, 2)"});
  expect_refused(run({"concat", "--model", "tiny-gpt2", "--ids", "1"}), 2, {"--layer"});
}

TEST_F(Cli, ShowSaysWhatTheAverageBuries) {
  const Transformer model = Transformer::load(models_ / "tiny-llama");
  const Trace trace = record_trace(model, tokens_of_ids(kIds), "");
  const json shown = run_json({"show", "--model", "tiny-llama", "--ids", kIdsText, "--layer", "1"});
  const Blend blend = blend_rows(query_rows(trace, 1, 7));
  const json& layer = shown["layers"][0];
  EXPECT_EQ(layer["jsd"].get<float>(), static_cast<float>(blend.jsd));
  EXPECT_GT(blend.jsd, 0.01);
  EXPECT_EQ(layer["readers"].size(), kIds.size());
  EXPECT_EQ(layer["buried"].size(), blend.buried.size());
  for (std::size_t t = 0; t < kIds.size(); ++t)
    EXPECT_EQ(layer["readers"][t], name_of(blend.readers[t]));
}

TEST_F(Cli, TheForcedKernelIsTheOneThatRan) {
  const std::vector<std::string> show = {"show", "--model", "tiny-gpt2", "--ids", kIdsText};
  std::vector<std::string> forced = show;
  forced.insert(forced.begin(), {"--kernel", "ref"});
  EXPECT_TRUE(run_json(forced)["attention"].get<std::string>().starts_with("ran ref/"));
  const json kernels = run_json(show)["kernels"];
  EXPECT_NE(kernels["isa"], "");
  // A text this short goes to the first kernel of the list, so none declined.
  EXPECT_EQ(kernels["ran"], "decode") << kernels;
  EXPECT_EQ(kernels["declined"], json::array()) << kernels;
}

TEST_F(Cli, LogitsOfRealModelsAreTheGoldenOnes) {
  for (const std::string model : {"stories260K", "stories15M"}) {
    HEADLIGHT_SHARED_OR_SKIP(folder, "models/" + model);
    HEADLIGHT_SHARED_OR_SKIP(golden_path, "goldens/" + model + "_lily.safetensors");
    const SafetensorsFile golden(golden_path);
    std::string ids;
    for (std::int64_t id : testing::integers(golden, "input_ids")) ids += std::to_string(id) + ",";
    const std::string out = file("out.safetensors");
    const ProgramResult ran =
        run({"logits", "--model", folder.string(), "--ids", ids, "--out", out});
    ASSERT_EQ(ran.exit_code, 0) << ran.err;
    const SafetensorsFile written(out);
    EXPECT_LT(testing::largest_difference(written.tensor("logits"), golden.tensor("logits")), 2e-4);
    EXPECT_EQ(testing::argmax_rows(written.tensor("logits")),
              testing::argmax_rows(golden.tensor("logits")));
  }
}

}  // namespace
}  // namespace headlight
