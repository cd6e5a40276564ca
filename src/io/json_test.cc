#include "io/json.h"

#include <gtest/gtest.h>

#include <fstream>

#include "core/error.h"
#include "support/expect_error.h"
#include "support/shared.h"

namespace headlight {
namespace {

using testing::expect_error;

TEST(Json, BuildsTheSameValueAsTheLibrary) {
  for (const std::string_view text :
       {R"({"a": [1, -2, 3.5, true, false, null, "x\u00e9", {}], "b": {"c": [[], [[1]]]}, "": 0})",
        "[]", "{}", "1", "\"text\"", "null", "[18446744073709551615, -9223372036854775808]"})
    EXPECT_EQ(parse_json(text, "test"), Json::parse(text)) << text;
}

TEST(Json, RefusesWhatIsNotStrictJson) {
  expect_error([] { parse_json("", "a.json"); }, {"[json] a.json", "line 1"});
  expect_error([] { parse_json("{\"a\": 1,}", "a.json"); }, {"a.json", "line 1"});
  expect_error([] { parse_json("{} x", "a.json"); }, {"a.json"});
  expect_error([] { parse_json("{\"a\": NaN}", "a.json"); }, {"a.json"});
  expect_error([] { parse_json("[1e999]", "a.json"); }, {"a.json", "1e999"});
  expect_error([] { parse_json("[\"\xff\"]", "a.json"); }, {"a.json", "UTF-8"});
  expect_error([] { parse_json("[\"\xed\xa0\x80\"]", "a.json"); }, {"a.json", "UTF-8"});
  expect_error([] { parse_json("[\"\\ud800\"]", "a.json"); }, {"a.json", "surrogate"});
  expect_error([] { parse_json("{\"a\": \"\n\"}", "a.json"); }, {"a.json", "control character"});
}

TEST(Json, RefusesDuplicateKeysAtAnyDepth) {
  expect_error([] { parse_json(R"({"a": 1, "a": 2})", "f"); }, {"f", "duplicate key \"a\""});
  expect_error([] { parse_json(R"([{"b": {"c": 1, "d": [], "c": 1}}])", "f"); },
               {"duplicate key \"c\""});
  // The same key written in two ways is one key.
  expect_error([] { parse_json(R"({"a": 1, "\u0061": 2})", "f"); }, {"duplicate key \"a\""});
  EXPECT_EQ(parse_json(R"({"a": {"a": 1}, "b": {"a": 2}})", "f").size(), 2u);
}

TEST(Json, BoundsNesting) {
  const auto nested = [](std::size_t n) { return std::string(n, '[') + std::string(n, ']'); };
  EXPECT_NO_THROW(parse_json(nested(64), "f"));
  expect_error([&] { parse_json(nested(65), "f"); }, {"f: nested deeper than 64 levels"});
  expect_error([&] { parse_json(std::string(1'000'000, '['), "f"); }, {"nested deeper"});
}

TEST(Json, MessagesStayOnOneLineWhateverTheSource) {
  expect_error([] { parse_json("{\"a\nb\": 1}", "bad\nname\xff"); }, {"bad\\x0aname\\xff"});
}

TEST(Json, ReadsFilesWithinALimit) {
  const auto path = testing::scratch_folder() / "a.json";
  std::ofstream(path) << R"({"a": 1})";
  EXPECT_EQ(read_json_file(path).at("a"), 1);
  expect_error([&] { read_json_file(path, 7); }, {path.string(), "8 bytes", "at most 7"});
  expect_error([&] { read_json_file(path.parent_path()); }, {"a directory"});
}

class JsonObjectTest : public ::testing::Test {
 protected:
  const Json json_ = parse_json(
      R"({"n": 7, "f": 2.5, "whole": 3.0, "t": true, "s": "text", "null": null, "neg": -1,
          "huge": 18446744073709551615, "list": [1]})",
      "config.json");
  const JsonObject object_{json_, "config.json"};
};

TEST_F(JsonObjectTest, ReadsEachType) {
  EXPECT_EQ(object_.integer("n", 0, 7), 7);
  EXPECT_EQ(object_.integer("neg", -1, 0), -1);
  EXPECT_EQ(object_.number("f"), 2.5);
  EXPECT_EQ(object_.number("n"), 7.0);
  EXPECT_TRUE(object_.boolean("t"));
  EXPECT_EQ(object_.string("s"), "text");
  EXPECT_TRUE(object_.has("list"));
  EXPECT_FALSE(object_.has("null"));
  EXPECT_FALSE(object_.has("absent"));
}

TEST_F(JsonObjectTest, FallsBackOnlyWhenAbsentOrNull) {
  EXPECT_EQ(object_.integer_or("absent", 5, 0, 9), 5);
  EXPECT_EQ(object_.integer_or("null", 5, 0, 9), 5);
  EXPECT_EQ(object_.integer_or("n", 5, 0, 9), 7);
  EXPECT_EQ(object_.number_or("absent", 0.5), 0.5);
  EXPECT_TRUE(object_.boolean_or("absent", true));
  EXPECT_EQ(object_.string_or("null", "x"), "x");
  expect_error([&] { object_.integer_or("s", 5, 0, 9); }, {"\"s\"", "got \"text\""});
  expect_error([&] { object_.boolean_or("n", true); }, {"\"n\"", "true or false", "got 7"});
}

TEST_F(JsonObjectTest, NamesSourceKeyAndValue) {
  expect_error([&] { object_.at("absent"); }, {"config.json: \"absent\" is missing"});
  expect_error([&] { object_.integer("n", 8, 9); },
               {"\"n\" must be an integer from 8 to 9, got 7"});
  expect_error([&] { object_.integer("whole", 0, 9); }, {"\"whole\"", "got 3.0"});
  expect_error([&] { object_.integer("t", 0, 9); }, {"\"t\"", "got true"});
  expect_error([&] { object_.integer("huge", 0, 9); }, {"got 18446744073709551615"});
  expect_error([&] { object_.number("list"); }, {"\"list\" must be a number, got an array of 1"});
  expect_error([&] { object_.number("null"); }, {"\"null\"", "got null"});
  expect_error([&] { object_.string("n"); }, {"\"n\" must be a string, got 7"});
  expect_error([&] { JsonObject(json_.at("list"), "x"); }, {"x: must be an object, got an array"});
}

}  // namespace
}  // namespace headlight
