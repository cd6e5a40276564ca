#include "train/bpe_trainer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "support/expect_error.h"

namespace headlight {
namespace {

using Merges = std::vector<std::pair<std::string, std::string>>;

// The counts of Sennrich et al. 2016, section 3.2; worked by hand.
TEST(BpeTrainer, MergesTheMostFrequentPairFirst) {
  const std::vector<WordCount> words = {{"low", 5}, {"lower", 2}, {"newest", 6}, {"widest", 3}};
  const BpeVocabulary learned = train_bpe(words, {.vocab_size = 16});
  EXPECT_EQ(learned.merges,
            (Merges{{"e", "s"}, {"es", "t"}, {"l", "o"}, {"lo", "w"}, {"e", "w"}, {"n", "ew"}}));
  EXPECT_EQ(learned.pieces, (std::vector<std::string>{"d", "e", "i", "l", "n", "o", "r", "s", "t",
                                                      "w", "es", "est", "lo", "low", "ew", "new"}));
}

/// The same by counting everything again after every merge.
BpeVocabulary train_plainly(const std::vector<WordCount>& words, std::size_t vocab_size) {
  BpeVocabulary out;
  std::vector<std::vector<std::string>> cuts;
  std::map<std::string, std::size_t> ids;
  for (const WordCount& word : words)
    for (const char c : word.word) ids[std::string(1, c)] = 0;
  for (auto& [piece, id] : ids) {
    id = out.pieces.size();
    out.pieces.push_back(piece);
  }
  for (const WordCount& word : words) {
    cuts.emplace_back();
    for (const char c : word.word) cuts.back().emplace_back(1, c);
  }
  while (out.pieces.size() < vocab_size) {
    std::map<std::pair<std::size_t, std::size_t>, std::uint64_t> counts;
    for (std::size_t w = 0; w < cuts.size(); ++w)
      for (std::size_t i = 1; i < cuts[w].size(); ++i)
        counts[{ids[cuts[w][i - 1]], ids[cuts[w][i]]}] += words[w].count;
    const auto best = std::ranges::max_element(
        counts, [](const auto& a, const auto& b) { return a.second < b.second; });
    if (best == counts.end() || best->second < 2) break;
    const std::string left = out.pieces[best->first.first], right = out.pieces[best->first.second];
    out.merges.emplace_back(left, right);
    if (ids.try_emplace(left + right, out.pieces.size()).second) out.pieces.push_back(left + right);
    for (auto& cut : cuts) {
      std::vector<std::string> merged;
      for (std::size_t i = 0; i < cut.size(); ++i) {
        const bool here = cut[i] == left && i + 1 < cut.size() && cut[i + 1] == right;
        merged.push_back(here ? left + right : cut[i]);
        i += here;
      }
      cut = merged;
    }
  }
  return out;
}

TEST(BpeTrainer, AgreesWithCountingEverythingAgain) {
  std::mt19937 random(5);
  for (int round = 0; round < 40; ++round) {
    std::map<std::string, std::uint64_t> counts;
    for (int i = 0; i < 60; ++i) {
      std::string word;
      for (std::size_t n = 1 + random() % 9; n-- > 0;)
        word += static_cast<char>('a' + random() % 3);
      counts[word] += 1 + random() % 4;
    }
    std::vector<WordCount> words;
    for (const auto& [word, count] : counts) words.push_back({word, count});
    const BpeVocabulary expected = train_plainly(words, 60);
    const BpeVocabulary learned = train_bpe(words, {.vocab_size = 60});
    ASSERT_EQ(learned.merges, expected.merges) << "round " << round;
    ASSERT_EQ(learned.pieces, expected.pieces);
    std::ranges::reverse(words);
    ASSERT_EQ(train_bpe(words, {.vocab_size = 60}).merges, expected.merges) << "order of words";
  }
}

TEST(BpeTrainer, MarksPiecesInsideWords) {
  BpeTrainerOptions options{.vocab_size = 8, .initial = {"[UNK]"}, .continuing_prefix = "##"};
  const std::vector<WordCount> words = {{"aab", 3}, {"b", 1}};
  const BpeVocabulary learned = train_bpe(words, options);
  EXPECT_EQ(learned.pieces,
            (std::vector<std::string>{"[UNK]", "##a", "##b", "a", "b", "##ab", "aab"}));
}

TEST(BpeTrainer, RefusesASizeThatCannotHoldTheCharacters) {
  const std::vector<WordCount> words = {{"abcdef", 1}};
  testing::expect_error([&] { train_bpe(words, {.vocab_size = 5}); }, {"[vocabulary]", "5", "6"});
}

TEST(BpeTrainer, RefusesWordsThatAreNotUtf8) {
  const std::vector<WordCount> words = {{"ab\xFF", 1}};
  testing::expect_error([&] { train_bpe(words, {.vocab_size = 50}); }, {"not UTF-8"});
}

}  // namespace
}  // namespace headlight
