#include "app/data_text.h"

#include <gtest/gtest.h>

#include <sstream>

namespace headlight::app {
namespace {

TEST(DataText, KeepsToTheColumnsAndMarksEveryRelation) {
  const MicroWorld world({});
  for (std::uint64_t i = 0; i < 500; ++i) {
    const MicroSentence sentence = world.sentence(i);
    std::istringstream lines(text_with_labels(sentence, Style(false)));
    std::size_t from = 0, to = 0, asked = 0;
    for (std::string line; std::getline(lines, line);) {
      ASSERT_LE(display_width(line), kColumns) << line;
      const std::string marks = line.substr(0, line.find_first_not_of(" <>?"));
      from += marks.find('<') != marks.npos;
      to += marks.find('>') != marks.npos;
      asked += marks.find('?') != marks.npos;
    }
    // A relation whose words stand in two lines is marked in both.
    ASSERT_GE(from, sentence.relations.size()) << sentence.text;
    ASSERT_GE(to, sentence.relations.size()) << sentence.text;
    ASSERT_EQ(asked, sentence.masks.size()) << sentence.text;
  }
}

TEST(DataText, MarksStandUnderTheirWords) {
  MicroSentence sentence;
  sentence.text = "The black cat sat.";
  sentence.relations = {{Relation::attribute, {4, 9}, {10, 13}}};
  sentence.masks = {
      {.relation = Relation::attribute, .word = {4, 9}, .answer = "black", .decoys = {"red"}}};
  EXPECT_EQ(text_with_labels(sentence, Style(false)),
            "The black cat sat.\n"
            "    <<<<< >>>       attribute black -> cat\n"
            "    ?????           is black not red (attribute)\n");
  sentence.language = Language::chinese;
  sentence.text = "红色的猫";
  sentence.relations = {{Relation::attribute, {0, 6}, {9, 12}}};
  sentence.masks.clear();
  EXPECT_EQ(text_with_labels(sentence, Style(false)),
            "红色的猫\n"
            "<<<<  >>  attribute 红色 -> 猫\n");
}

TEST(DataText, JsonHoldsPlacesInBytes) {
  const MicroSentence sentence = MicroWorld({.languages = {Language::chinese}}).sentence(3);
  const Json json = json_sentence(sentence);
  EXPECT_EQ(json["text"], sentence.text);
  EXPECT_EQ(json["language"], "zh");
  ASSERT_EQ(json["relations"].size(), sentence.relations.size());
  EXPECT_EQ(json["relations"][0]["from"],
            Json::array({sentence.relations[0].from.begin, sentence.relations[0].from.end}));
  EXPECT_EQ(json["masks"][0]["answer"], sentence.masks[0].answer);
}

}  // namespace
}  // namespace headlight::app
