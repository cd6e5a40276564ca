#include "app/long_view.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "app/lab.h"
#include "inspect/pattern_map.h"
#include "support/shared.h"
#include "support/tiny_model.h"

namespace headlight::app {
namespace {
namespace fs = std::filesystem;

/// A lab over a llama of 16 positions, 2 layers and 4 heads on 2 key/value heads.
class LongView : public ::testing::Test {
 protected:
  LongView() : folder_(testing::scratch_folder()) {
    write_model(testing::tiny_llama(), folder_);
    lab_ = std::make_unique<Lab>(options());
  }
  ~LongView() override { fs::remove_all(folder_); }

  LabOptions options() const {
    LabOptions options;
    options.default_model = ModelFolder{"tiny", folder_};
    return options;
  }
  static std::vector<std::int64_t> ids(std::int64_t length) {
    std::vector<std::int64_t> out;
    for (std::int64_t i = 0; i < length; ++i) out.push_back((3 * i + i * i / 7) % 17);
    return out;
  }
  LabResponse post(std::int64_t length, const Json& more = {{"long", true}}) {
    Json body = {{"model", "tiny"}, {"ids", ids(length)}};
    body.update(more);
    return lab_->answer({true, "/api/v1/traces", {}, body.dump()});
  }
  LabResponse get(const std::string& id, const std::string& part,
                  std::map<std::string, std::string, std::less<>> query = {}) {
    return lab_->answer({false, "/api/v1/traces/" + id + part, std::move(query), ""});
  }
  Json get_json(const std::string& id, const std::string& part,
                std::map<std::string, std::string, std::less<>> query = {}) {
    const LabResponse response = get(id, part, std::move(query));
    EXPECT_EQ(response.status, 200) << part << ": " << response.body;
    return Json::parse(response.body);
  }
  void expect_refused(const LabResponse& response, std::string_view part, int status = 400) {
    EXPECT_EQ(response.status, status) << response.body;
    EXPECT_NE(response.body.find(part), std::string::npos)
        << "no " << part << ": " << response.body;
  }
  /// A long trace of `length` tokens, all layers recorded.
  std::string recorded(std::int64_t length) {
    const Json posted = Json::parse(post(length, {{"long", true}, {"past_max_len", true}}).body);
    const std::string id = posted["id"];
    for (int layers = 1; layers <= 2; ++layers)
      EXPECT_EQ(get_json(id, "/record", {{"layers", "2"}})["layers_recorded"], layers);
    return id;
  }

  fs::path folder_;
  std::unique_ptr<Lab> lab_;
};

std::vector<float> floats(const LabResponse& response) {
  std::vector<float> out(response.body.size() / sizeof(float));
  std::memcpy(out.data(), response.body.data(), response.body.size());
  return out;
}

TEST_F(LongView, GrowsALayerAtATimeAndAnswersItsMap) {
  const Json posted = Json::parse(post(40, {{"long", true}, {"past_max_len", true}}).body);
  const std::string id = posted["id"];
  EXPECT_EQ(posted["length"], 40);
  EXPECT_EQ(posted["layers_recorded"], 0);
  EXPECT_EQ(posted["past_max_len"], true);
  EXPECT_FALSE(posted.contains("tokens"));
  EXPECT_EQ(get_json(id, ""), posted);
  expect_refused(get(id, "/map", {{"layer", "0"}, {"head", "0"}}), "no layer is recorded yet");
  EXPECT_EQ(get_json(id, "/record", {{"layers", "1"}})["layers_recorded"], 1);
  EXPECT_EQ(get_json(id, "/record", {{"layers", "1"}})["layers_recorded"], 1) << "as asked";
  expect_refused(get(id, "/map", {{"layer", "1"}, {"head", "0"}}), "from 0 to 0");
  EXPECT_EQ(get_json(id, "/record", {{"layers", "2"}})["layers_recorded"], 2);

  const Transformer model = Transformer::load(folder_);
  LongTrace trace(model, tokens_of_ids(ids(40)), "");
  for (int l = 0; l < 2; ++l) trace.record_layer(model);
  const LabResponse map =
      get(id, "/map",
          {{"layer", "1"}, {"head", "3"}, {"rows", "5:38"}, {"columns", "2:30"}, {"size", "9"}});
  ASSERT_EQ(map.status, 200) << map.body;
  EXPECT_EQ(map.shape, "2,9,9");
  EXPECT_EQ(map.rows_read, "33,33");
  const PatternMap expected = pattern_map(trace.trace(), {.layer = 1,
                                                          .head = 3,
                                                          .row_begin = 5,
                                                          .row_end = 38,
                                                          .key_begin = 2,
                                                          .key_end = 30,
                                                          .size = 9});
  const auto cells = expected.cells.span<float>();
  EXPECT_EQ(floats(map), std::vector<float>(cells.begin(), cells.end()));
  EXPECT_EQ(get(id, "/map", {{"layer", "0"}, {"head", "0"}}).shape, "2,40,40");
}

TEST_F(LongView, TracesThatKeepEverythingHaveAMapToo) {
  const std::string id = Json::parse(post(12, Json::object()).body)["id"];
  EXPECT_EQ(get(id, "/map", {{"layer", "1"}, {"head", "0"}, {"size", "4"}}).shape, "2,4,4");
  EXPECT_EQ(get_json(id, "/tokens", {{"from", "3"}, {"to", "5"}})["tokens"].size(), 2u);
}

TEST_F(LongView, StrongestAreTheRowsLargestWeights) {
  const std::string id = recorded(40);
  const Json told =
      get_json(id, "/strongest", {{"layer", "1"}, {"head", "2"}, {"query", "33"}, {"count", "5"}});
  const Transformer model = Transformer::load(folder_);
  LongTrace trace(model, tokens_of_ids(ids(40)), "");
  for (int l = 0; l < 2; ++l) trace.record_layer(model);
  const Tensor row = pattern_rows(trace.trace(), 1, 2, 33, 34);
  std::vector<float> weights(row.span<float>().begin(), row.span<float>().end());
  double rest = 1;
  ASSERT_EQ(told["targets"].size(), 5u);
  for (const Json& target : told["targets"]) {
    const auto strongest = std::ranges::max_element(weights);
    EXPECT_EQ(target["token"], strongest - weights.begin());
    EXPECT_EQ(target["weight"].get<float>(), *strongest);
    EXPECT_EQ(target["word"], fmt::format("#{}", ids(40)[target["token"].get<std::size_t>()]));
    rest -= static_cast<double>(*strongest);
    *strongest = -1;
  }
  EXPECT_NEAR(told["rest"].get<double>(), rest, 1e-6);
  EXPECT_EQ(told["entropy"].get<float>(), static_cast<float>(row_entropies(row)[0]));
}

TEST_F(LongView, WhatIsTooMuchIsRefusedWithWhatIsPossible) {
  expect_refused(post(40, Json::object()), "40 ids are more than the 16 positions");
  expect_refused(post(40), "\\\"past_max_len\\\": true goes on");
  expect_refused(post(9, {{"past_max_len", true}}), "goes with \\\"long\\\": true");
  expect_refused(post(9, {{"long", true}, {"gates", {{"0.0", 0}}}}), "do not go with");
  expect_refused(post(9, {{"long", 1}}), "long");
  const std::string id = recorded(40);
  for (const char* part : {"/rows", "/concat", "/values", "/export", "/overview"})
    expect_refused(get(id, part, {{"layer", "0"}, {"head", "0"}, {"query", "0"}}), "is a long one");
  expect_refused(get(id, "/map", {{"layer", "0"}, {"head", "0"}, {"rows", "3:41"}}),
                 "0 <= a < b <= 40");
  expect_refused(get(id, "/map", {{"layer", "0"}, {"head", "0"}, {"size", "257"}}), "1 to 256");
  expect_refused(get(id, "/tokens", {{"from", "40"}, {"to", "41"}}), "0 to 39");
  expect_refused(get(id, "/tokens", {{"from", "3"}, {"to", "3"}}), "4 to 40");
  expect_refused(
      get(id, "/strongest", {{"layer", "0"}, {"head", "0"}, {"query", "0"}, {"count", "65"}}),
      "1 to 64");
  expect_refused(get(id, "/find", {}), "1 to 200");
  expect_refused(get(id, "/record", {{"layers", "3"}}), "1 to 2");
  expect_refused(get("t0-0", "/map"), "not kept", 404);
}

TEST_F(LongView, MemoryIsBounded) {
  LabOptions small = options();
  small.long_bytes = long_trace_bytes(Transformer::load(folder_).config(), 30);
  lab_ = std::make_unique<Lab>(small);
  expect_refused(post(40, {{"long", true}, {"past_max_len", true}}), "30 tokens fit");
  const std::string first = recorded(20), second = recorded(20);
  expect_refused(get(first, ""), "not kept", 404);
  EXPECT_EQ(get(second, "").status, 200);
}

/// Words of a text, each a token, with an end that no text covers.
Trace words_trace(std::string_view text) {
  Trace trace;
  trace.text = text;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    trace.tokens.push_back(
        {.id = 1, .piece = std::string(text.substr(at, end - at)), .begin = at, .end = end});
    at = end + 1;
  }
  trace.tokens.push_back({.id = 0, .piece = "[END]", .special = true});
  trace.ids.resize(trace.tokens.size());
  return trace;
}

TEST(LongText, IsFoundWhereItBeginsAndAgainFromTheStart) {
  const Trace trace = words_trace("the Animal saw na\xc3\xafve animals and an animal");
  const auto find = [&](std::string text, std::int64_t from) {
    const LabRequest request{
        false, "", {{"text", std::move(text)}, {"from", std::to_string(from)}}, ""};
    return Json::parse(long_view(request, "/find", trace).body)["token"];
  };
  EXPECT_EQ(find("animal", 0), 1);
  EXPECT_EQ(find("animal", 2), 4);
  EXPECT_EQ(find("animal", 5), 7);
  EXPECT_EQ(find("animal", 8), 1) << "after the last token, from the start";
  EXPECT_EQ(find("saw na\xc3\xafve", 0), 2);
  EXPECT_EQ(find("nimals", 0), 4) << "the token that it begins in";
  EXPECT_TRUE(find("dog", 3).is_null());
}

TEST(LongText, AWindowBringsTheTextThatItsTokensCover) {
  const Trace trace = words_trace("one two three");
  const auto window = [&](const char* from, const char* to) {
    const LabRequest request{false, "", {{"from", from}, {"to", to}}, ""};
    return Json::parse(long_view(request, "/tokens", trace).body);
  };
  const Json middle = window("1", "3");
  EXPECT_EQ(middle["text"], "two three");
  EXPECT_EQ(middle["text_begin"], 4);
  EXPECT_EQ(middle["tokens"][1]["piece"], "three");
  EXPECT_EQ(window("3", "4")["text"], "");
  EXPECT_EQ(window("2", "4")["text"], "three");
}

}  // namespace
}  // namespace headlight::app
