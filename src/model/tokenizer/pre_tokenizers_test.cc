// Where each step cuts a text, and what a word then covers of it.
#include "model/tokenizer/pre_tokenizers.h"

#include <gtest/gtest.h>

#include "model/tokenizer/test_support.h"
#include "support/expect_error.h"

namespace headlight {
namespace {

using Strings = std::vector<std::string>;

Words whole(std::string_view text) {
  return {AlignedText(text, 0), {{0, static_cast<std::uint32_t>(text.size())}}};
}

Strings words_of(const Words& words) {
  Strings out;
  for (const Span word : words.words) out.emplace_back(words.text.text(word));
  return out;
}

Strings run(const PreTokenizer& step, std::string_view text) {
  return words_of(step(whole(text)));
}

/// The parts of the user's text that the words cover.
Strings sources(const PreTokenizer& step, std::string_view text) {
  const Words words = step(whole(text));
  Strings out;
  for (const Span word : words.words) {
    const Span from = words.text.source(word);
    out.emplace_back(text.substr(from.begin, from.size()));
  }
  return out;
}

TEST(PreTokenizers, SplitBehaviors) {
  const auto split = [](SplitBehavior behavior) {
    return run(pre_tokenize_split(Pattern::literal("-"), behavior, false), "the-final--countdown");
  };
  EXPECT_EQ(split(SplitBehavior::removed), (Strings{"the", "final", "countdown"}));
  EXPECT_EQ(split(SplitBehavior::isolated), (Strings{"the", "-", "final", "-", "-", "countdown"}));
  EXPECT_EQ(split(SplitBehavior::merged_with_previous),
            (Strings{"the-", "final-", "-", "countdown"}));
  EXPECT_EQ(split(SplitBehavior::merged_with_next), (Strings{"the", "-final", "-", "-countdown"}));
  EXPECT_EQ(split(SplitBehavior::contiguous), (Strings{"the", "-", "final", "--", "countdown"}));
}

TEST(PreTokenizers, InvertedSplitKeepsTheMatches) {
  const auto words =
      pre_tokenize_split(Pattern::regex("[a-z]+", "test"), SplitBehavior::removed, true);
  EXPECT_EQ(run(words, "ab, cd!"), (Strings{"ab", "cd"}));
}

TEST(PreTokenizers, EmptyMatchesCut) {
  // Digits in threes from the right, as newer models group them.
  const auto threes = pre_tokenize_split(Pattern::regex(R"((?=(\d{3})+(?!\d)))", "test"),
                                         SplitBehavior::isolated, false);
  EXPECT_EQ(run(threes, "1234567"), (Strings{"1", "234", "567"}));
}

TEST(PreTokenizers, BertAndWhitespace) {
  EXPECT_EQ(run(pre_tokenize_bert(), "Hey friend!\u3000How's 3€?"),
            (Strings{"Hey", "friend", "!", "How", "'", "s", "3€", "?"}));
  EXPECT_EQ(run(pre_tokenize_whitespace(), "Hey_1 friend!?\ncafé"),
            (Strings{"Hey_1", "friend", "!?", "café"}));
  EXPECT_EQ(run(pre_tokenize_whitespace_split(), " a\tb!  c "), (Strings{"a", "b!", "c"}));
  EXPECT_EQ(run(pre_tokenize_delimiter(U'。'), "a。b。。c"), (Strings{"a", "b", "c"}));
  EXPECT_TRUE(run(pre_tokenize_bert(), " \t ").empty());
}

TEST(PreTokenizers, DigitsAndPunctuation) {
  EXPECT_EQ(run(pre_tokenize_digits(true), "a12½b"), (Strings{"a", "1", "2", "½", "b"}));
  EXPECT_EQ(run(pre_tokenize_digits(false), "a12½b"), (Strings{"a", "12½", "b"}));
  EXPECT_EQ(run(pre_tokenize_punctuation(SplitBehavior::contiguous), "a!?b。"),
            (Strings{"a", "!?", "b", "。"}));
}

TEST(PreTokenizers, Metaspace) {
  const auto always = pre_tokenize_metaspace("▁", PrependScheme::always, true);
  EXPECT_EQ(run(always, "Hey my  friend"), (Strings{"▁Hey", "▁my", "▁", "▁friend"}));
  EXPECT_EQ(sources(always, "Hey my"), (Strings{"Hey", " my"}));
  EXPECT_EQ(run(pre_tokenize_metaspace("▁", PrependScheme::never, true), "a b"),
            (Strings{"a", "▁b"}));
  EXPECT_EQ(run(pre_tokenize_metaspace("▁", PrependScheme::always, false), "a b"),
            (Strings{"▁a▁b"}));
  // "first": only the word at the start of the user's text.
  const auto first = pre_tokenize_sequence(
      {pre_tokenize_whitespace_split(), pre_tokenize_metaspace("▁", PrependScheme::first, true)});
  EXPECT_EQ(run(first, "a b"), (Strings{"▁a", "b"}));
}

TEST(PreTokenizers, ByteLevel) {
  EXPECT_EQ(run(pre_tokenize_byte_level(false, true), "Hello  my friend's\n dog"),
            (Strings{"Hello", "Ġ", "Ġmy", "Ġfriend", "'s", "Ċ", "Ġdog"}));
  const auto prefix = pre_tokenize_byte_level(true, true);
  EXPECT_EQ(run(prefix, "é b"), (Strings{"ĠÃ©", "Ġb"}));
  EXPECT_EQ(sources(prefix, "é b"), (Strings{"é", " b"}));
  EXPECT_EQ(run(pre_tokenize_byte_level(false, false), "a b"), (Strings{"aĠb"}));
}

TEST(PreTokenizers, AMegabyteWithoutABreak) {
  const auto gpt2 = pre_tokenize_byte_level(false, true);
  for (const char* unit : {"a", " ", "1", "!", "\n", "é"}) {
    std::string text;
    while (text.size() < (1u << 20)) text += unit;
    EXPECT_EQ(run(gpt2, text).size(), 1u) << unit;
  }
}

TEST(Pattern, GivesUpWithAnErrorNotWithTheMachine) {
  const Pattern hostile = Pattern::regex("(a+)+$", "test");
  testing::expect_error([&] { hostile.find_all(std::string(60, 'a') + "b"); },
                        {"(a+)+$", "gave up at byte 0 of 61"});
  testing::expect_error([] { Pattern::regex("(", "folder/tokenizer.json"); },
                        {"folder/tokenizer.json", "\"(\"", "not valid at byte 1"});
  testing::expect_error([] { Pattern::regex("\\C", "x"); }, {"not valid"});
  testing::expect_error([] { Pattern::regex("a(?=b\\K)", "x").find_all("ab"); }, {"\\K"});
}

TEST(Pattern, DeepRecursionInTheJitHasItsOwnStack) {
  const Pattern nested = Pattern::regex("(?:(a)|b)*c", "test");
  const std::string text(300'000, 'a');
  EXPECT_EQ(nested.find_all(text + "c").size(), 1u);
}

}  // namespace
}  // namespace headlight
