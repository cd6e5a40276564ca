// What `show` prints for people: 80 columns, readable without colour, whatever the script.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "app/program.h"
#include "app/terminal.h"
#include "core/utf8.h"
#include "support/shared.h"
#include "support/tiny_model.h"

namespace headlight {
namespace {
namespace fs = std::filesystem;
using testing::ProgramResult;
using testing::run_headlight;

void expect_fits_a_terminal(const ProgramResult& ran) {
  ASSERT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_EQ(ran.err, "");
  EXPECT_TRUE(is_utf8(ran.out));
  std::istringstream lines(ran.out);
  for (std::string line; std::getline(lines, line);) {
    EXPECT_LE(app::display_width(line), app::kColumns) << line;
    EXPECT_FALSE(line.ends_with(' ')) << line;
    for (const char c : line) EXPECT_FALSE((c >= 0 && c < 0x20) || c == 0x7F) << line;
  }
}

std::string count_up_to(int n) {
  std::string ids;
  for (int i = 0; i < n; ++i) ids += std::to_string(i % 17) + ",";
  return ids;
}

class Show : public ::testing::Test {
 protected:
  Show() : folder_(testing::scratch_folder()) {
    write_model(testing::tiny_llama({{"max_position_embeddings", 2048}}), folder_ / "long");
  }
  ~Show() override { fs::remove_all(folder_); }

  ProgramResult show(const std::string& ids, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> args = {"show", "--model", (folder_ / "long").string(), "--ids", ids};
    args.insert(args.end(), more.begin(), more.end());
    return run_headlight(args);
  }

  fs::path folder_;
};

TEST_F(Show, RolesFitATerminal) {
  const fs::path folder = folder_ / "measured";
  write_model(testing::tiny_bert(), folder);
  // Two layers of three heads; head 1.2 is needed for what it looks at.
  std::ofstream(folder / "abilities.json") << R"({"n_layers": 2, "n_heads": 3, "sentences": 9,
      "seed": 1, "sets": [], "relations": [{"language": "en", "relation": "indirect-object",
      "asked": 100, "right": 100, "pairs": 100, "looks": [0, 0, 0, 0, 0, 100], "offset": -10,
      "offset_hits": 100, "without": {
        "zero": {"right": [100, 100, 100, 100, 100, 0], "lost": [0, 0, 0, 0, 0, 100]},
        "mean": {"right": [100, 100, 100, 100, 100, 0], "lost": [0, 0, 0, 0, 0, 100]},
        "resample": {"right": [100, 100, 100, 100, 100, 0], "lost": [0, 0, 0, 0, 0, 100]}}}]})";
  const ProgramResult ran = run_headlight({"show", "--model", folder.string(), "--ids", "1,2,3"});
  expect_fits_a_terminal(ran);
  EXPECT_NE(ran.out.find("  2 indirect-object (en) looks at the earlier mention"),
            std::string::npos)
      << ran.out;
  EXPECT_NE(ran.out.find("100 % (100 %)  100 points"), std::string::npos) << ran.out;
  const ProgramResult other =
      run_headlight({"show", "--model", folder.string(), "--ids", "1", "--layer", "0"});
  EXPECT_EQ(other.out.find("roles"), std::string::npos) << other.out;
}

TEST_F(Show, FitsATerminalAtEveryLength) {
  for (int length : {1, 2, 3, 4, 9, 10, 11, 99, 101, 1001, 2048}) {
    SCOPED_TRACE(length);
    expect_fits_a_terminal(show(count_up_to(length)));
    expect_fits_a_terminal(show(count_up_to(length), {"--head", "1", "--layer", "0", "-v"}));
  }
  for (const char* top : {"1", "2", "4", "1000"}) {
    SCOPED_TRACE(top);
    expect_fits_a_terminal(show(count_up_to(101), {"--top", top}));
  }
}

TEST_F(Show, SaysWhichTokenAsks) {
  const std::string by_default = show("1,2,3").out;
  EXPECT_NE(by_default.find("query 2 \"#3\""), std::string::npos) << by_default;
  EXPECT_NE(by_default.find("--query"), std::string::npos);
  const std::string chosen = show("1,2,3", {"--query", "1"}).out;
  EXPECT_NE(chosen.find("query 1 \"#2\""), std::string::npos) << chosen;
  EXPECT_EQ(chosen.find("--query"), std::string::npos);
}

TEST_F(Show, CountsWhatItDoesNotName) {
  const std::string out = show(count_up_to(20), {"--layer", "0"}).out;
  EXPECT_NE(out.find("+17 0."), std::string::npos) << out;
  EXPECT_NE(out.find("average of heads"), std::string::npos) << out;
  EXPECT_EQ(out.find("layer 1"), std::string::npos);
  const std::string all = show(count_up_to(20), {"--layer", "0", "--top", "20"}).out;
  EXPECT_EQ(all.find("+"), std::string::npos) << all;
}

TEST_F(Show, ALongTextListsItsEndsUnlessAsked) {
  EXPECT_NE(show(count_up_to(200)).out.find("140 more tokens"), std::string::npos);
  EXPECT_EQ(show(count_up_to(200), {"-v"}).out.find("more tokens"), std::string::npos);
}

TEST_F(Show, VerboseSaysWhyOtherKernelsDidNotRun) {
  const std::string brief = show(count_up_to(30)).out;
  EXPECT_NE(brief.find("attention ran flash/"), std::string::npos) << brief;
  EXPECT_EQ(brief.find("declined"), std::string::npos) << brief;
  const std::string verbose = show(count_up_to(30), {"-v"}).out;
  EXPECT_NE(verbose.find("\n  flash_bf16 declined: q is f32\n"), std::string::npos) << verbose;
}

TEST_F(Show, TextsOfEveryScriptFit) {
  HEADLIGHT_SHARED_OR_SKIP(bert, "models/all-MiniLM-L6-v2");
  HEADLIGHT_SHARED_OR_SKIP(llama, "models/stories15M");
  for (const fs::path& model : {bert, llama})
    for (const std::string text :
         {"The animal didn't cross the street because it was too tired.",
          "\u52A8\u7269\u6CA1\u6709\u8FC7\u9A6C\u8DEF\uFF0C\u56E0\u4E3A\u5B83\u592A\u7D2F\u4E86",
          "\U0001F469\u200D\U0001F469\u200D\U0001F467 \u2764\uFE0F caf\u00E9 cafe\u0301 \u202Eabc",
          "tab\tnewline\nbell\a and a very very long wooooooooooooooooooooooooooord"}) {
      SCOPED_TRACE(text);
      expect_fits_a_terminal(run_headlight({"show", "--model", model.string(), text}));
    }
}

TEST_F(Show, SpecialTokensAreNotTheDefaultQueryAndPairsAreTyped) {
  HEADLIGHT_SHARED_OR_SKIP(bert, "models/all-MiniLM-L6-v2");
  const std::string model = bert.string();
  EXPECT_NE(run_headlight({"show", "--model", model, "a tired dog"}).out.find("query 3 \"dog\""),
            std::string::npos);
  const std::string pair =
      run_headlight({"show", "--model", model, "one", "--pair", "two", "--json"}).out;
  EXPECT_NE(pair.find("\"type_id\":1"), std::string::npos) << pair;
}

}  // namespace
}  // namespace headlight
