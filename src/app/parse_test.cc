#include "app/parse.h"

#include <gtest/gtest.h>

#include <fstream>

#include "app/errors.h"
#include "support/expect_error.h"
#include "support/shared.h"

namespace headlight::app {
namespace {

using testing::expect_error;

TEST(Parse, IntegersAreWhole) {
  EXPECT_EQ(parse_integer("0"), 0);
  EXPECT_EQ(parse_integer("-12"), -12);
  for (const char* text : {"", " 1", "1 ", "+1", "1.0", "1e3", "0x10", "99999999999999999999", "-"})
    EXPECT_FALSE(parse_integer(text).has_value()) << text;
}

TEST(Parse, NumbersAreFinite) {
  EXPECT_EQ(parse_number("0.25"), 0.25);
  for (const char* text : {"", "x", "nan", "inf", "1e999", "0,5", "1 "})
    EXPECT_FALSE(parse_number(text).has_value()) << text;
}

TEST(Parse, IdsInTextAndFile) {
  const std::vector<std::int64_t> ids = {1, 2, 3};
  EXPECT_EQ(parse_ids("1,2,3"), ids);
  EXPECT_EQ(parse_ids(" 1 2,\t3,\n"), ids);
  const auto file = testing::scratch_folder() / "ids";
  std::ofstream(file) << "1\n2\n3\n";
  EXPECT_EQ(parse_ids(fmt::format("@{}", file.string())), ids);
  expect_error([] { parse_ids("1;2"); }, {"1;2", "1,2,3"});
  expect_error([] { parse_ids(" , "); }, {"no token id"});
  expect_error([] { parse_ids("@/no/such/file"); }, {"/no/such/file"});
}

TEST(Parse, Gates) {
  const std::vector<GateText> gates = {{"1.0", 0.0}, {"0.3", 0.5}};
  EXPECT_EQ(parse_gates("1.0=0,0.3=0.5"), gates);
  EXPECT_TRUE(parse_gates("").empty());
  expect_error([] { parse_gates("1.0"); }, {"1.0", "layer.head=value"});
  expect_error([] { parse_gates("1.0=x"); }, {"1.0=x"});
}

TEST(Parse, Rows) {
  const auto expect = [](const char* text, std::int64_t begin, std::int64_t end) {
    const auto range = parse_rows(text, 10);
    ASSERT_TRUE(range.has_value()) << text;
    EXPECT_EQ(range->begin, begin) << text;
    EXPECT_EQ(range->end, end) << text;
  };
  expect("2:5", 2, 5);
  expect(":5", 0, 5);
  expect("7:", 7, 10);
  expect(":", 0, 10);
  expect("9", 9, 10);
  for (const char* text : {"", "10", "-1", "3:3", "5:2", "0:11", "a:b", "1:2:3", "1.0:2"})
    EXPECT_FALSE(parse_rows(text, 10).has_value()) << text;
}

}  // namespace
}  // namespace headlight::app
