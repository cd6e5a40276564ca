#include "app/export_page.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "app/errors.h"
#include "app/web_assets.h"
#include "io/json.h"
#include "support/expect_error.h"
#include "support/shared.h"
#include "support/tiny_model.h"

namespace headlight::app {
namespace {
namespace fs = std::filesystem;

TEST(ExportPage, NothingEndsAScriptEarly) {
  EXPECT_EQ(escaped_for_script("a </script> b </STYLE> c <!-- d"),
            "a <\\/script> b <\\/STYLE> c <\\!-- d");
  EXPECT_EQ(escaped_for_script("if (a < b) i <</x/; 1 <! 2 </"), "if (a < b) i <</x/; 1 <! 2 </");
}

class ExportPageTest : public ::testing::Test {
 protected:
  ExportPageTest() : folder_(testing::scratch_folder()) {
    write_model(testing::tiny_gpt2(), folder_);
    LabOptions options;
    options.default_model = ModelFolder{"tiny", folder_};
    lab_ = std::make_unique<Lab>(std::move(options));
    const LabRequest posted{true, "/api/v1/traces", {}, R"({"model": "tiny", "ids": [1, 2, 3]})"};
    trace_ = Json::parse(lab_->answer(posted).body)["id"];
  }
  ~ExportPageTest() override { fs::remove_all(folder_); }

  fs::path folder_;
  std::unique_ptr<Lab> lab_;
  std::string trace_;
};

/// The data that the page reads.
Json snapshot_of(const std::string& page) {
  const std::string begin = R"(id="snapshot">)";
  const std::size_t from = page.find(begin) + begin.size();
  return Json::parse(page.substr(from, page.find("</script>", from) - from));
}

TEST_F(ExportPageTest, HoldsTheAnswersThatTheLabGives) {
  if (web_assets().size() == 1) GTEST_SKIP() << "built without the page";
  const std::string page =
      export_page(*lab_, {.trace = trace_, .layer = 1, .query = 2, .search = "?x=</script>"});
  const Json snapshot = snapshot_of(page);
  EXPECT_EQ(snapshot["search"], "?x=</script>");
  const Json& answers = snapshot["answers"];
  const std::string base = "traces/" + trace_;
  for (const char* l : {"0", "1"})
    for (const char* q : {"0", "1", "2"})
      for (const char* part : {"rows", "concat"}) {
        const LabResponse live =
            lab_->answer({false, "/api/v1/" + base + "/" + part, {{"layer", l}, {"query", q}}, ""});
        const std::string key = "GET " + base + "/" + part + "?layer=" + l + "&query=" + q;
        ASSERT_TRUE(answers.contains(key)) << key;
        EXPECT_EQ(answers[key]["json"], Json::parse(live.body)) << key;
      }
  for (const char* of_all : {"/statistics", "/columns?layer=1&key=2", "/value_norms?layer=0"})
    EXPECT_TRUE(answers.contains("GET " + base + of_all)) << of_all;
  EXPECT_TRUE(answers.contains(R"(POST traces {"ids":[1,2,3],"model":"tiny"})"));
  EXPECT_TRUE(
      answers.contains(R"(POST ablations {"heads":{"1.0":0},"how":"zero","layer":1,"query":2,)"
                       R"("trace":")" +
                       trace_ + "\"}"));
  for (const char* outside : {"href=\"app.css\"", "src=\"app.js\"", "favicon.svg"})
    EXPECT_EQ(page.find(outside), std::string::npos) << outside;
}

TEST_F(ExportPageTest, AComparisonHoldsBothSides) {
  if (web_assets().size() == 1) GTEST_SKIP() << "built without the page";
  const std::string body = R"({"gates":{"0.1":0,"1.0":0.35},"ids":[4,2,3,1],"model":"tiny"})";
  const Json other = Json::parse(lab_->answer({true, "/api/v1/traces", {}, body}).body);
  const std::string b = other["id"];
  const LabRequest asked{
      false,
      "/api/v1/traces/" + trace_ + "/export",
      {{"layer", "1"}, {"query", "2"}, {"against", b}, {"layer2", "0"}, {"query2", "3"}},
      ""};
  const LabResponse response = lab_->answer(asked);
  ASSERT_EQ(response.status, 200) << response.body;
  const Json snapshot = snapshot_of(response.body);
  EXPECT_EQ(snapshot["search"],
            "?view=compare&layer=1&query=2&text=1%202%203&text2=4%202%203%201&layer2=0"
            "&gates=0.1%3A0%3B1.0%3A0.35&query2=3");
  const Json& answers = snapshot["answers"];
  ASSERT_TRUE(answers.contains("POST traces " + body));
  EXPECT_EQ(answers["POST traces " + body]["json"]["id"], b);
  for (const char* l : {"0", "1"})
    for (const char* q : {"0", "3"}) {
      const LabResponse live =
          lab_->answer({false, "/api/v1/traces/" + b + "/rows", {{"layer", l}, {"query", q}}, ""});
      const std::string key = "GET traces/" + b + "/rows?layer=" + l + "&query=" + q;
      ASSERT_TRUE(answers.contains(key)) << key;
      EXPECT_EQ(answers[key]["json"], Json::parse(live.body)) << key;
    }
  for (const std::string& id : {trace_, b})
    EXPECT_TRUE(answers.contains("GET traces/" + id + "/predictions?query=2&top=100")) << id;
}

TEST_F(ExportPageTest, WhatIsNotThereIsRefused) {
  testing::expect_error([&] { export_page(*lab_, {.trace = "nobody"}); }, {"[export]", "nobody"});
  testing::expect_error([&] { export_page(*lab_, {.trace = trace_, .layer = 9}); }, {"[export]"});
  testing::expect_error(
      [&] { export_page(*lab_, {.trace = trace_, .against = ExportAgainst{.trace = "nobody"}}); },
      {"[export]", "nobody"});
}

}  // namespace
}  // namespace headlight::app
