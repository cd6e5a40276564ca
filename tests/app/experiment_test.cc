// `headlight experiment` as a person meets it: what it prints and leaves, that a second run goes on
// instead of beginning again, and what it refuses.
#include <gtest/gtest.h>

#include <filesystem>

#include "app/program.h"
#include "core/mapped_file.h"
#include "io/json.h"
#include "support/shared.h"

namespace headlight::testing {
namespace {

namespace fs = std::filesystem;

class ExperimentCommand : public ::testing::Test {
 protected:
  ProgramResult run(std::vector<std::string> words) const {
    words.insert(words.begin(), "experiment");
    words.insert(words.end(), {"--out", (folder_ / "out").string(), "--threads", "2"});
    return run_headlight(words, {{"OMP_WAIT_POLICY", "passive"}});
  }
  Json record(const std::string& name) const {
    return read_json_file(folder_ / "out" / (name + ".json"));
  }

  fs::path folder_ = scratch_folder();
};

TEST_F(ExperimentCommand, LeavesResultsThatALaterRunGoesOnFrom) {
  const ProgramResult first = run({"induction", "--seeds", "2", "--steps", "2"});
  EXPECT_EQ(first.exit_code, 0) << first.err;
  for (const char* part : {"95 %", "Student", "2 layers", "NOT HELD", "induction.svg"})
    EXPECT_NE(first.out.find(part), std::string::npos) << part;
  const Json before = record("induction");
  EXPECT_EQ(before.at("trials").size(), 4u);
  EXPECT_EQ(before.at("claims").size(), 3u);
  EXPECT_TRUE(fs::exists(folder_ / "out" / "induction.svg"));
  // Two seeds of three are known; the trials of other settings stay.
  EXPECT_EQ(run({"induction", "--seeds", "3", "--steps", "2"}).exit_code, 0);
  EXPECT_EQ(record("induction").at("trials").size(), 6u);
  const ProgramResult other = run({"induction", "--seeds", "2", "--steps", "1", "--json"});
  EXPECT_EQ(Json::parse(other.out).at("claims").size(), 3u);
  EXPECT_EQ(record("induction").at("trials").size(), 10u);
}

TEST_F(ExperimentCommand, TakesFinishedTrialsAsTheyAre) {
  EXPECT_EQ(run({"induction", "--seeds", "2", "--steps", "2"}).exit_code, 0);
  Json changed = record("induction");
  for (Json& trial : changed["trials"]) trial["measures"]["accuracy"] = 0.987;
  write_text_file(folder_ / "out" / "induction.json", changed.dump());
  const ProgramResult again = run({"induction", "--seeds", "2", "--steps", "2"});
  EXPECT_NE(again.out.find("98.7"), std::string::npos) << again.out;
}

TEST_F(ExperimentCommand, RefusesInOneLine) {
  const auto refuse = [&](std::vector<std::string> words, std::vector<std::string> parts) {
    const ProgramResult result = run(std::move(words));
    EXPECT_NE(result.exit_code, 0);
    for (const std::string& part : parts)
      EXPECT_NE(result.err.find(part), std::string::npos) << result.err;
  };
  refuse({"rescue"}, {"[experiment]", "nearest is \"rescues\""});
  refuse({"heads", "--heads", "8,7"}, {"n_heads 7", "d_model 64", "4 and 8"});
  refuse({"heads", "--seeds", "1"}, {"--seeds"});
}

}  // namespace
}  // namespace headlight::testing
