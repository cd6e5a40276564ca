// `headlight train` as a person meets it: what it leaves, what it refuses, and that being killed
// costs nothing but time.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include "app/program.h"
#include "core/mapped_file.h"
#include "io/json.h"
#include "model/transformer.h"
#include "support/shared.h"

namespace headlight::testing {
namespace {

namespace fs = std::filesystem;

/// A run small enough to be killed often: a tiny model, a checkpoint at every other step.
class Train : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = scratch_folder();
    write_settings("tiny.json", Json::object());
  }

  void write_settings(const std::string& name, const Json& changes) const {
    Json settings = Json::parse(R"({
      "model": {"model_type": "gpt2", "n_layer": 2, "n_head": 2, "n_embd": 32, "n_positions": 11},
      "data": {"kind": "sort"}, "steps": 60, "sequences": 32, "warmup": 5, "checkpoint_every": 2})");
    settings.merge_patch(changes);
    std::ofstream(folder_ / name) << settings;
  }

  std::vector<std::string> arguments(const std::string& out, bool resume = false,
                                     const std::string& settings = "tiny.json") const {
    std::vector<std::string> words = {
        "train",     "--config", (folder_ / settings).string(), "--out", (folder_ / out).string(),
        "--threads", "2"};
    if (resume) words.emplace_back("--resume");
    return words;
  }
  /// A number of the settings that the run in `out` had.
  std::int64_t setting(const std::string& out, std::string_view name) const {
    return Json::parse(read_text_file(folder_ / out / "settings.json")).at(name);
  }

  // Threads that spin at barriers make small work slow beside other tests.
  const Environment kPassive = {{"OMP_WAIT_POLICY", "passive"}};
  ProgramResult run(const std::vector<std::string>& words) const {
    return run_headlight(words, kPassive);
  }

  std::string model_of(const std::string& out) const {
    return read_text_file(folder_ / out / "model.safetensors");
  }

  fs::path folder_;
};

TEST_F(Train, LeavesAModelThatLoadsAndItsFigures) {
  const ProgramResult result = run(arguments("out"));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.out.find("trained: loss"), std::string::npos) << result.out;
  EXPECT_EQ(Transformer::load(folder_ / "out").config().vocab_size, 3);
  std::ifstream metrics(folder_ / "out" / "metrics.jsonl");
  std::int64_t steps = 0;
  for (std::string line; std::getline(metrics, line); ++steps)
    EXPECT_TRUE(Json::parse(line).contains("loss")) << line;
  EXPECT_EQ(steps, 60);
  const ProgramResult shown =
      run_headlight({"show", "--model", (folder_ / "out").string(), "--ids", "0,2,1"});
  EXPECT_EQ(shown.exit_code, 0) << shown.err;
}

TEST_F(Train, InPartsGivesWhatACommandForEachGives) {
  const Json change = {{"steps", 20}, {"seed", 7}};
  write_settings("parts.json", {{"then", change}});
  write_settings("second.json", change);
  ASSERT_EQ(run(arguments("parts", false, "parts.json")).exit_code, 0);
  ASSERT_EQ(run(arguments("first")).exit_code, 0);
  auto second = arguments("second", false, "second.json");
  second.insert(second.end(), {"--start", (folder_ / "first").string()});
  ASSERT_EQ(run(second).exit_code, 0);
  EXPECT_EQ(model_of("parts/part-1"), model_of("first"));
  EXPECT_EQ(model_of("parts"), model_of("second"));
  EXPECT_EQ(run(arguments("parts", true, "parts.json")).exit_code, 0);
  EXPECT_EQ(model_of("parts"), model_of("second"));
  auto shorter = arguments("shorter", false, "parts.json");
  shorter.insert(shorter.end(), {"--steps", "8", "--seed", "11"});
  ASSERT_EQ(run(shorter).exit_code, 0);
  EXPECT_EQ(setting("shorter/part-1", "steps"), 6);
  EXPECT_EQ(setting("shorter", "steps"), 2);
  EXPECT_EQ(setting("shorter/part-1", "seed"), 11);
  EXPECT_EQ(setting("shorter", "seed"), 17) << "6 more than the first part's, as in the settings";
}

TEST_F(Train, KilledTenTimesEndsAsIfItHadNotBeen) {
  ASSERT_EQ(run(arguments("whole")).exit_code, 0);
  std::mt19937 random{std::random_device{}()};
  for (int kill = 0; kill < 10; ++kill) {
    Running running(arguments("parts", true), kPassive);
    const auto wait = std::chrono::milliseconds(std::uniform_int_distribution(20, 400)(random));
    std::this_thread::sleep_for(wait);
    running.end_with(SIGKILL);
  }
  const ProgramResult last = run(arguments("parts", true));
  ASSERT_EQ(last.exit_code, 0) << last.err;
  EXPECT_EQ(model_of("whole"), model_of("parts"));
  for (const auto& entry : fs::directory_iterator(folder_ / "parts"))
    EXPECT_EQ(entry.path().string().find(".tmp-"), std::string::npos) << entry.path();
}

TEST_F(Train, AnInterruptSavesAndSaysHowToGoOn) {
  ASSERT_EQ(run(arguments("whole")).exit_code, 0);
  {
    Running running(arguments("parts"), kPassive);
    EXPECT_NE(running.first_line().find("gpt2: 2 layers x 2 heads"), std::string::npos);
    EXPECT_EQ(running.end_with(SIGINT), 0);
  }
  EXPECT_TRUE(fs::exists(folder_ / "parts" / "checkpoint.safetensors"));
  ASSERT_EQ(run(arguments("parts", true)).exit_code, 0);
  EXPECT_EQ(model_of("whole"), model_of("parts"));
}

TEST_F(Train, RefusesWhatCannotBeTrained) {
  const auto refuse = [&](std::vector<std::string> words, int code,
                          std::initializer_list<std::string_view> parts) {
    words.insert(words.begin(), "train");
    words.insert(words.end(), {"--out", (folder_ / "no").string()});
    const ProgramResult result = run_headlight(words);
    EXPECT_EQ(result.exit_code, code);
    for (const std::string_view part : parts)
      EXPECT_NE(result.err.find(part), std::string::npos) << part << " in " << result.err;
  };
  refuse({}, 2, {"--preset", "--config"});
  refuse({"--preset", "nano-srot"}, 1, {"nano-srot", "nano-sort"});
  refuse({"--config", "/nonexistent.json"}, 1, {"/nonexistent.json"});
  refuse({"--preset", "nano"}, 1, {"--data"});
  refuse({"--preset", "nano-sort", "--data", "x.txt"}, 1, {"generated"});
  std::ofstream(folder_ / "short.txt") << "a few words";
  refuse({"--preset", "nano", "--data", (folder_ / "short.txt").string()}, 1, {"too few"});
}

}  // namespace
}  // namespace headlight::testing
