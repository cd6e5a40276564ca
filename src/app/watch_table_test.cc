#include "app/watch_table.h"

#include <gtest/gtest.h>

#include <sstream>

namespace headlight::app {
namespace {

Json snapshot() {
  return Json::parse(R"({"step": 120, "sentences": [], "relations": [
    {"language": "en", "relation": "coreference", "asked": 22, "right": 77, "pairs": 22,
     "offset": 24, "heads": [3, 5, 73, 9]},
    {"language": "zh", "relation": "indirect-object", "asked": 8, "right": 0, "pairs": 8,
     "offset": 60, "heads": [55, 5, 3, 9]}]})");
}

TEST(WatchTable, NamesTheBestHeadAndTheOffset) {
  const std::string text = watch_table(snapshot(), 2, Style(false));
  std::istringstream lines(text);
  std::string head, first, second;
  std::getline(lines, head);
  std::getline(lines, first);
  std::getline(lines, second);
  EXPECT_NE(head.find("step 120"), std::string::npos) << head;
  for (const char* part : {"en coreference", "77 %", "1.0    73 %", "24 %"})
    EXPECT_NE(first.find(part), std::string::npos) << part << " in " << first;
  for (const char* part : {"zh indirect-object", "0.0    55 %", "60 %"})
    EXPECT_NE(second.find(part), std::string::npos) << part << " in " << second;
  for (const std::string& line : {head, first, second}) {
    EXPECT_LE(display_width(line), kColumns) << line;
    EXPECT_EQ(display_width(line), display_width(head)) << "columns stand below each other";
  }
}

TEST(WatchTable, OnlyAHeadThatBeatsTheOffsetIsBold) {
  const std::string text = watch_table(snapshot(), 2, Style(true));
  const std::string first = text.substr(text.find("en "), text.find("zh ") - text.find("en "));
  EXPECT_NE(first.find("\x1b[1m"), std::string::npos);
  EXPECT_EQ(text.find("\x1b[1m", text.find("zh ")), std::string::npos) << "55 % is below 60 %";
}

TEST(WatchTable, IsDrawnOverTheOneBefore) {
  EXPECT_EQ(drawn_over("a\nb\n", 0), "\r\x1b[Ka\x1b[K\nb\x1b[K\n");
  EXPECT_EQ(drawn_over("a\n", 2), "\r\x1b[K\x1b[2Aa\x1b[K\n");
}

}  // namespace
}  // namespace headlight::app
