#include "app/lab.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "app/errors.h"
#include "app/json_view.h"
#include "core/interruption.h"
#include "support/shared.h"
#include "support/tiny_model.h"

namespace headlight::app {
namespace {
namespace fs = std::filesystem;

class LabTest : public ::testing::Test {
 protected:
  LabTest() : folder_(testing::scratch_folder()) { write_model(testing::tiny_gpt2(), folder_); }
  ~LabTest() override { fs::remove_all(folder_); }

  LabOptions options() const {
    LabOptions options;
    options.default_model = ModelFolder{"tiny", folder_};
    return options;
  }
  static std::string post(Lab& lab, const std::string& ids = "[1, 2, 3]") {
    const LabRequest request{
        true, "/api/v1/traces", {}, R"({"model": "tiny", "ids": )" + ids + "}"};
    const LabResponse response = lab.answer(request);
    EXPECT_EQ(response.status, 200) << response.body;
    return Json::parse(response.body)["id"];
  }
  static int status(Lab& lab, const std::string& path) {
    return lab.answer({false, "/api/v1/" + path, {}, ""}).status;
  }

  fs::path folder_;
};

TEST_F(LabTest, OldTracesGoWhenTheyTakeTooMuch) {
  LabOptions small = options();
  small.trace_bytes = 1;  // the newest alone is more
  Lab lab(small);
  const std::string first = post(lab);
  EXPECT_EQ(status(lab, "traces/" + first), 200);
  const std::string second = post(lab, "[4, 5]");
  EXPECT_EQ(status(lab, "traces/" + first), 404);
  EXPECT_EQ(status(lab, "traces/" + second), 200);
  EXPECT_NE(post(lab), first) << "it is run again";
}

TEST_F(LabTest, TheSameTextIsRunOnce) {
  Lab lab(options());
  const LabRequest request{true, "/api/v1/traces", {}, R"({"model": "tiny", "ids": [1, 2, 3]})"};
  EXPECT_FALSE(lab.answer_at_once(request).has_value());
  const LabResponse first = lab.answer(request);
  EXPECT_EQ(lab.answer(request).body, first.body);
  const auto at_once = lab.answer_at_once(request);
  ASSERT_TRUE(at_once.has_value());
  EXPECT_EQ(at_once->body, first.body);
  EXPECT_NE(post(lab, "[1, 2, 4]"), post(lab));
}

TEST_F(LabTest, TheLatestUsedStays) {
  ByteLru<const int> cache(2);
  cache.put("a", std::make_shared<const int>(1), 1);
  cache.put("b", std::make_shared<const int>(2), 1);
  EXPECT_NE(cache.get("a"), nullptr);
  cache.put("c", std::make_shared<const int>(3), 1);
  EXPECT_EQ(cache.get("b"), nullptr);
  EXPECT_NE(cache.get("a"), nullptr);
  EXPECT_NE(cache.get("c"), nullptr);
}

TEST_F(LabTest, TwoServersNeverGiveTheSameId) {
  Lab one(options()), two(options());
  EXPECT_NE(post(one), post(two));
}

TEST_F(LabTest, TellsOfEveryHeadAtOnce) {
  Lab lab(options());
  const std::string trace = "/api/v1/traces/" + post(lab);
  const Json told = Json::parse(lab.answer({false, trace + "/statistics", {}, ""}).body);
  EXPECT_EQ(told["n_layers"], 2);
  EXPECT_EQ(told["n_heads"], 3);
  EXPECT_EQ(told["sinks"], Json::array({0})) << "ids have no special tokens";
  for (const char* each : {"entropy", "distance", "sink_mass"})
    EXPECT_EQ(told[each].size(), 6u) << each;
  const LabRequest columns{false, trace + "/columns", {{"layer", "1"}, {"key", "2"}}, ""};
  EXPECT_EQ(lab.answer(columns).shape, "3,3");
  EXPECT_EQ(lab.answer({false, trace + "/value_norms", {{"layer", "1"}}, ""}).shape, "3,3");
  const LabRequest beyond{false, trace + "/columns", {{"layer", "1"}, {"key", "3"}}, ""};
  EXPECT_EQ(lab.answer(beyond).status, 400);
  EXPECT_EQ(lab.answer({false, trace + "/value_norms", {{"layer", "2"}}, ""}).status, 400);
}

TEST_F(LabTest, WhatIsGivenUpStopsBetweenLayers) {
  Lab lab(options());
  const LabRequest request{true, "/api/v1/traces", {}, R"({"model": "tiny", "ids": [1, 2, 3]})"};
  for (const int most : {0, 1, 2, 3}) {  // once before it begins, then before each of two layers
    int asked = 0;
    const Interruption scope([&] { return ++asked > most; });
    EXPECT_EQ(lab.answer(request).status == 200, most == 3) << most;
    EXPECT_EQ(asked, std::min(most + 1, 3)) << most;
  }
}

TEST_F(LabTest, WhatIsSmallIsAnsweredAtOnceAndTheSame) {
  Lab lab(options());
  const std::string trace = "/api/v1/traces/" + post(lab);
  const std::vector<LabRequest> small = {
      {false, "/api/v1/health", {}, ""},
      {false, "/api/v1/nothing", {}, ""},
      {true, "/api/v1/health", {}, ""},
      {false, trace, {}, ""},
      {false, trace + "/rows", {{"layer", "1"}, {"query", "2"}}, ""},
      {false, trace + "/rows", {{"layer", "2"}, {"query", "2"}}, ""},
      {false, trace + "/concat", {{"layer", "0"}, {"query", "1"}}, ""},
      {false, trace + "/overview", {{"size", "2"}}, ""},
      {false, "/api/v1/traces/none/rows", {{"layer", "1"}, {"query", "2"}}, ""}};
  std::vector<LabResponse> expected;
  for (const LabRequest& request : small) expected.push_back(lab.answer(request));
  lab.close();  // nothing of it goes through the queue
  for (std::size_t i = 0; i < small.size(); ++i) {
    const auto at_once = lab.answer_at_once(small[i]);
    ASSERT_TRUE(at_once.has_value()) << small[i].path;
    EXPECT_EQ(at_once->status, expected[i].status) << small[i].path;
    EXPECT_EQ(at_once->body, expected[i].body) << small[i].path;
    EXPECT_EQ(at_once->shape, expected[i].shape) << small[i].path;
  }
}

TEST_F(LabTest, WhatTakesLongWaitsForItsTurn) {
  Lab lab(options());
  const std::string trace = "/api/v1/traces/" + post(lab);
  const std::vector<LabRequest> long_ones = {
      {true, "/api/v1/traces", {}, R"({"model": "tiny", "ids": [1]})"},
      {true, "/api/v1/ablations", {}, "{}"},
      {false, "/api/v1/models", {}, ""},
      {false, trace + "/predictions", {{"query", "0"}}, ""},
      {false, trace + "/statistics", {}, ""},
      {false, trace + "/map", {{"layer", "0"}, {"head", "0"}}, ""},
      {false, "/api/v1/trainings", {}, ""}};
  for (const LabRequest& request : long_ones)
    EXPECT_FALSE(lab.answer_at_once(request).has_value()) << request.path;
}

TEST_F(LabTest, SaysWhichMethodsAPathHas) {
  Lab lab(options());
  const auto allowed = [&](LabRequest request) {
    const LabResponse response = lab.answer(request);
    EXPECT_EQ(response.status, 405) << request.path;
    return response.allow;
  };
  EXPECT_EQ(allowed({false, "/api/v1/traces", {}, ""}), "POST");
  EXPECT_EQ(allowed({true, "/api/v1/models", {}, "{}"}), "GET, HEAD");
  EXPECT_EQ(allowed({false, "/api/v1/trainings", {}, "", true}), "POST, GET, HEAD");
  EXPECT_EQ(allowed({true, "/api/v1/trainings/x", {}, "{}"}), "GET, HEAD, DELETE");
  for (const char* path : {"/api/v1/traces/", "/api/v1/traces/a/b/c", "/api/v1/trainings//events",
                           "/api/v1/", "/api/v1/tracesx", "/api/v1/traces/a/rows/"})
    EXPECT_EQ(lab.answer({false, path, {}, ""}).status, 404) << path;
}

TEST_F(LabTest, NothingIsComputedAfterTheClose) {
  Lab lab(options());
  lab.close();
  const LabRequest request{true, "/api/v1/traces", {}, R"({"model": "tiny", "ids": [1]})"};
  EXPECT_EQ(lab.answer(request).status, 503);
  EXPECT_EQ(status(lab, "health"), 200);
}

TEST(JsonNumber, BringsTheSameFloatBack) {
  for (float value : {0.1f, 1.0f / 3, 1e-38f, 3.4e38f, -0.0f, 0.62f, 16777217.0f}) {
    const std::string text = json_number(value).dump();
    EXPECT_EQ(std::strtof(text.c_str(), nullptr), value) << text;
    EXPECT_LE(text.size(), 15u) << text;
  }
  EXPECT_THROW(json_number(NAN), Error);
}

TEST(Describe, EveryKindOfFailureIsOneLine) {
  const auto describe_thrown = [](const auto& thrown) {
    return describe(std::make_exception_ptr(thrown));
  };
  EXPECT_EQ(describe_thrown(UsageError("x", "y")).exit_code, 2);
  EXPECT_EQ(describe_thrown(Error("x", "y")).message, "[x] y");
  EXPECT_EQ(describe_thrown(RequestError(404, "x", "y")).http_status, 404);
  EXPECT_EQ(describe_thrown(std::bad_alloc()).op, "memory");
  const fs::filesystem_error file("f", "/a/b", std::make_error_code(std::errc::permission_denied));
  EXPECT_EQ(describe_thrown(file).message, "[file] /a/b: Permission denied");
  EXPECT_EQ(describe_thrown(std::runtime_error("two\nlines")).message, "[internal] two\\x0alines");
  EXPECT_EQ(describe_thrown(7).exit_code, 1);
}

}  // namespace
}  // namespace headlight::app
