// The heap against the plain way to merge, and what it does with long words.
#include "model/tokenizer/bpe.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "core/error.h"
#include "support/expect_error.h"

namespace headlight {
namespace {

VocabularyPtr vocabulary_of(const std::vector<std::string>& pieces) {
  std::vector<VocabularyEntry> entries;
  for (const std::string& piece : pieces)
    entries.push_back({piece, static_cast<std::int64_t>(entries.size())});
  return std::make_shared<const Vocabulary>(entries, std::vector<VocabularyEntry>{}, "test");
}

std::vector<BpeMerge> ranked(const std::vector<std::pair<std::string, std::string>>& pairs) {
  std::vector<BpeMerge> merges;
  for (const auto& [left, right] : pairs)
    merges.push_back({left, right, static_cast<std::uint32_t>(merges.size())});
  return merges;
}

std::vector<std::string> split(const Bpe& model, const Vocabulary& vocabulary,
                               std::string_view word) {
  std::vector<WordPart> parts;
  model.split(word, parts);
  std::vector<std::string> pieces;
  for (const WordPart& part : parts) pieces.push_back(vocabulary.piece(part.id));
  return pieces;
}

/// Merges the pair of lowest rank, the leftmost first, until there is none: the definition.
std::vector<std::string> plain_bpe(const std::vector<BpeMerge>& merges, std::string_view word) {
  std::vector<std::string> symbols;
  for (const char c : word) symbols.emplace_back(1, c);
  while (true) {
    const BpeMerge* best = nullptr;
    std::size_t best_at = 0;
    for (std::size_t i = 0; i + 1 < symbols.size(); ++i)
      for (const BpeMerge& merge : merges)
        if (merge.left == symbols[i] && merge.right == symbols[i + 1] &&
            (best == nullptr || merge.rank < best->rank)) {
          best = &merge;
          best_at = i;
        }
    if (best == nullptr) return symbols;
    symbols[best_at] += symbols[best_at + 1];
    symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(best_at) + 1);
  }
}

/// Random merges over "abc"; `ties` gives several the same rank.
std::vector<BpeMerge> random_merges(std::mt19937_64& random, std::vector<std::string>& pieces,
                                    bool ties) {
  pieces = {"a", "b", "c"};
  std::vector<BpeMerge> merges;
  while (merges.size() < 12) {
    const std::string left = pieces[random() % pieces.size()];
    const std::string right = pieces[random() % pieces.size()];
    if (std::ranges::find(pieces, left + right) != pieces.end()) continue;
    pieces.push_back(left + right);
    const std::size_t rank = ties ? merges.size() / 3 : merges.size();
    merges.push_back({left, right, static_cast<std::uint32_t>(rank)});
  }
  return merges;
}

class BpeAgainstPlain : public ::testing::TestWithParam<bool> {};

TEST_P(BpeAgainstPlain, SameMergesOnRandomWords) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 60; ++round) {
    std::vector<std::string> pieces;
    const auto merges = random_merges(random, pieces, GetParam());
    const auto vocabulary = vocabulary_of(pieces);
    const Bpe model(vocabulary, merges, {});
    for (int i = 0; i < 30; ++i) {
      std::string word;
      for (std::size_t length = 1 + random() % 24; word.size() < length;)
        word += static_cast<char>('a' + random() % 3);
      EXPECT_EQ(split(model, *vocabulary, word), plain_bpe(merges, word)) << word;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Ranks, BpeAgainstPlain, ::testing::Bool(),
                         [](const auto& ties) { return ties.param ? "Shared" : "Distinct"; });

TEST(Bpe, AMillionEqualLettersInOneWord) {
  const auto vocabulary = vocabulary_of({"a", "aa", "aaaa", "aaaaaaaa"});
  const Bpe model(vocabulary, ranked({{"a", "a"}, {"aa", "aa"}, {"aaaa", "aaaa"}}), {});
  const std::size_t length = (1u << 20) + 3;
  const auto pieces = split(model, *vocabulary, std::string(length, 'a'));
  EXPECT_EQ(pieces.size(), (1u << 17) + 2);
  EXPECT_EQ(pieces.front(), "aaaaaaaa");
  EXPECT_EQ(pieces.back(), "a");
}

TEST(Bpe, UnknownCharacters) {
  const auto vocabulary = vocabulary_of({"<unk>", "a", "<0xC3>", "<0xA9>"});
  const Bpe dropping(vocabulary, {}, {});
  EXPECT_EQ(split(dropping, *vocabulary, "aéa"), (std::vector<std::string>{"a", "a"}));
  const Bpe one_each(vocabulary, {}, {.unk_token = "<unk>"});
  EXPECT_EQ(split(one_each, *vocabulary, "aéü"), (std::vector<std::string>{"a", "<unk>", "<unk>"}));
  const Bpe fused(vocabulary, {}, {.unk_token = "<unk>", .fuse_unk = true});
  EXPECT_EQ(split(fused, *vocabulary, "aéüa"), (std::vector<std::string>{"a", "<unk>", "a"}));
  // ü needs <0xBC>, which is not there: unknown as a whole.
  const Bpe bytes(vocabulary, {}, {.unk_token = "<unk>", .byte_fallback = true});
  EXPECT_EQ(split(bytes, *vocabulary, "éü"),
            (std::vector<std::string>{"<0xC3>", "<0xA9>", "<unk>"}));
  std::vector<WordPart> parts;
  bytes.split("aé", parts);
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_EQ(parts[1].bytes, (Span{1, 3}));  // both bytes cover the whole character
  EXPECT_EQ(parts[2].bytes, (Span{1, 3}));
}

TEST(Bpe, PrefixAndSuffixOfPieces) {
  const auto vocabulary = vocabulary_of({"l", "##o", "##w</w>", "lo", "low</w>", "w</w>"});
  const Bpe model(vocabulary, ranked({{"l", "##o"}, {"lo", "##w</w>"}}),
                  {.continuing_subword_prefix = "##", .end_of_word_suffix = "</w>"});
  EXPECT_EQ(split(model, *vocabulary, "low"), (std::vector<std::string>{"low</w>"}));
  EXPECT_EQ(split(model, *vocabulary, "w"), (std::vector<std::string>{"w</w>"}));
}

TEST(Bpe, IgnoreMergesTakesAKnownWordWhole) {
  const auto vocabulary = vocabulary_of({"a", "b", "ab"});
  const Bpe model(vocabulary, {}, {.ignore_merges = true});
  EXPECT_EQ(split(model, *vocabulary, "ab"), (std::vector<std::string>{"ab"}));
  EXPECT_EQ(split(model, *vocabulary, "aba"), (std::vector<std::string>{"a", "b", "a"}));
}

TEST(Bpe, RefusesMergesThatCannotBe) {
  const auto vocabulary = vocabulary_of({"a", "b", "ab"});
  const auto make = [&](const std::vector<std::pair<std::string, std::string>>& pairs) {
    return [&, pairs] { Bpe(vocabulary, ranked(pairs), {}); };
  };
  testing::expect_error(make({{"a", "b"}, {"a", "x"}}), {"merge 1", "needs \"x\""});
  testing::expect_error(make({{"b", "a"}}), {"merge 0", "needs \"ba\""});
  testing::expect_error(make({{"a", "b"}, {"a", "b"}}), {"merge 1", "given twice"});
  testing::expect_error([&] { Bpe(vocabulary, {}, {.unk_token = "<unk>"}); },
                        {"unk_token \"<unk>\" is not in the vocabulary"});
}

}  // namespace
}  // namespace headlight
