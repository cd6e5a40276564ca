#include "train/tokenizer_files.h"

#include <gtest/gtest.h>

#include "model/tokenizer/test_support.h"
#include "support/expect_error.h"
#include "train/micro_world.h"
#include "train/word_counter.h"

namespace headlight {
namespace {

using testing::covered_by;
using testing::ids_of;
using testing::pieces_of;
using testing::random_text;
using testing::scratch_folder;
using testing::write_text;

std::unique_ptr<Tokenizer> micro_world_tokenizer() {
  const auto folder = scratch_folder() / "made" / "here";
  write_tokenizer_files(micro_world_tokenizer_files(), folder);
  return load_tokenizer(folder);
}

/// The token whose bytes are exactly these, or -1.
std::int64_t id_at(const std::vector<Token>& tokens, ByteRange range) {
  for (const Token& token : tokens)
    if (!token.special && token.begin == range.begin && token.end == range.end) return token.id;
  return -1;
}

TEST(MicroWorldTokenizer, EveryLabelledWordIsOneToken) {
  const auto tokenizer = micro_world_tokenizer();
  const std::int64_t unknown =
      ids_of(tokenizer->encode("\U0001F600", {.add_special = false})).front();
  const auto is_one = [&](const std::string& word) {
    const auto ids = ids_of(tokenizer->encode(word, {.add_special = false}));
    return ids.size() == 1 && ids[0] != unknown;
  };
  for (const Split split : {Split::train, Split::heldout}) {
    const MicroWorld world({.split = split});
    for (std::uint64_t i = 0; i < 10000; ++i) {
      const MicroSentence s = world.sentence(i);
      const std::vector<Token> tokens = tokenizer->encode(s.text);
      for (const Token& token : tokens) ASSERT_NE(token.id, unknown) << s.text;
      for (const RelationLabel& r : s.relations) {
        ASSERT_GE(id_at(tokens, r.from), 0) << s.text;
        ASSERT_GE(id_at(tokens, r.to), 0) << s.text;
      }
      for (const MaskedWord& m : s.masks) {
        ASSERT_GE(id_at(tokens, m.word), 0) << s.text;
        ASSERT_TRUE(is_one(m.answer)) << m.answer;
        for (const std::string& decoy : m.decoys) ASSERT_TRUE(is_one(decoy)) << decoy;
      }
    }
  }
}

TEST(MicroWorldTokenizer, CutsTextIntoWordsPiecesAndCharacters) {
  const auto tokenizer = micro_world_tokenizer();
  const auto pieces = [&](std::string_view text) { return pieces_of(tokenizer->encode(text)); };
  using Pieces = std::vector<std::string>;
  EXPECT_EQ(pieces("The animal didn't cross."),
            (Pieces{"[CLS]", "the", "animal", "didn't", "cross", ".", "[SEP]"}));
  EXPECT_EQ(pieces("机器人拿起红色的积木，因为它很轻"),
            (Pieces{"[CLS]", "机器人", "拿起", "红色", "的", "积木", "，", "因为", "它", "很", "轻",
                    "[SEP]"}));
  EXPECT_EQ(pieces("[MASK] 42"), (Pieces{"[CLS]", "[MASK]", "4", "2", "[SEP]"}));
  EXPECT_EQ(pieces("机龘"), (Pieces{"[CLS]", "机", "[UNK]", "[SEP]"})) << "龘 is in no word";
  const Pieces xylophone = pieces("Xylophone");
  EXPECT_GT(xylophone.size(), 4u);
  EXPECT_EQ(std::ranges::count(xylophone, "[UNK]"), 0);
  EXPECT_EQ(pieces("Ünïcödé"), pieces("unicode"));
}

TEST(MicroWorldTokenizer, AcceptsAnyText) {
  const auto tokenizer = micro_world_tokenizer();
  std::mt19937_64 random(11);
  for (int i = 0; i < 300; ++i) {
    const std::string text = random_text(random, random() % 60);
    std::size_t end = 0;
    for (const Token& token : tokenizer->encode(text)) {
      if (token.special) continue;
      ASSERT_LE(end, token.begin);
      ASSERT_LE(token.end, text.size());
      end = token.begin;
    }
  }
}

TEST(LearnedTokenizer, ReadsBackWhatItWrote) {
  const auto folder = scratch_folder();
  write_text(folder / "a.txt", "the cat sat on the mat\nthe cat's mat, 42 times\n");
  write_text(folder / "b.txt", "\xE6\x9C\xBA\xE5\x99\xA8\xE4\xBA\xBA \xE6\x9C\xBA\xE5\x99\xA8");
  const std::vector<std::filesystem::path> files = {folder / "a.txt", folder / "b.txt"};
  std::mt19937_64 random(3);
  for (const TokenizerUse use : {TokenizerUse::generate, TokenizerUse::fill}) {
    const BpeVocabulary vocabulary = learn_byte_level_bpe(files, 290, use);
    EXPECT_LE(vocabulary.pieces.size(), 290u);
    EXPECT_GT(vocabulary.merges.size(), 5u);
    write_tokenizer_files(byte_level_bpe_files(vocabulary, use), folder / "out");
    const auto tokenizer = load_tokenizer(folder / "out");
    EXPECT_EQ(tokenizer->vocab_size(), static_cast<std::int64_t>(vocabulary.pieces.size()));
    EXPECT_EQ(covered_by("the cat", tokenizer->encode("the cat", {.add_special = false})).size(),
              2u);
    for (int i = 0; i < 100; ++i) {
      const std::string text = random_text(random, random() % 40);
      ASSERT_EQ(tokenizer->decode(ids_of(tokenizer->encode(text))), text);
    }
  }
}

TEST(LearnedTokenizer, RefusesWhatIsNoText) {
  const auto folder = scratch_folder();
  write_text(folder / "bad.txt", "good line\nbad \xFF line\n");
  write_text(folder / "empty.txt", "");
  write_text(folder / "good.txt", "some words some words\n");
  const auto learn = [&](const char* name, std::size_t size) {
    const std::vector<std::filesystem::path> files = {folder / name};
    learn_byte_level_bpe(files, size, TokenizerUse::generate);
  };
  testing::expect_error([&] { learn("bad.txt", 400); },
                        {"[vocabulary]", "bad.txt", "byte 14", "0xff"});
  testing::expect_error([&] { learn("empty.txt", 400); }, {"[vocabulary]", "no text"});
  testing::expect_error([&] { learn("absent.txt", 400); }, {"absent.txt"});
  testing::expect_error([&] { learn("good.txt", 256); }, {"[vocabulary]", "256", "257"});
}

TEST(WordCounter, CutsLongLinesBetweenCharacters) {
  const auto folder = scratch_folder();
  std::string line(1, 'x');  // so that the cut would fall inside a character
  for (int i = 0; i < 400000; ++i) line += "\xE6\x9C\xBA";
  write_text(folder / "long.txt", line);
  WordCounter counter(pre_tokenize_whitespace_split());
  counter.add_file(folder / "long.txt");
  std::size_t bytes = 0;
  for (const WordCount& word : counter.counts()) bytes += word.word.size() * word.count;
  EXPECT_EQ(bytes, line.size());
  EXPECT_EQ(counter.bytes(), line.size());
}

TEST(WordCounter, ForgetsTheRarestWhenThereAreTooMany) {
  WordCounter counter(pre_tokenize_whitespace_split(), 100);
  for (int i = 0; i < 1000; ++i) counter.add_line("often w" + std::to_string(i));
  const auto counts = counter.counts();
  EXPECT_LE(counts.size(), 100u);
  EXPECT_EQ(counts.front().word, "often");
  EXPECT_EQ(counts.front().count, 1000u);
}

}  // namespace
}  // namespace headlight
