// Whole tokenizers: added tokens, templates, decoding, and properties that hold for any text.
#include "model/tokenizer/pipeline.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/error.h"
#include "model/tokenizer/test_support.h"
#include "support/expect_error.h"

namespace headlight {
namespace {

using testing::covered_by;
using testing::ids_of;
using testing::load_json;
using testing::pieces_of;
using Ids = std::vector<std::int64_t>;
using Strings = std::vector<std::string>;

Json word_level(const Strings& words) {
  Json vocab = Json::object();
  for (const std::string& word : words) vocab[word] = vocab.size();
  return {{"model", {{"type", "WordLevel"}, {"vocab", vocab}, {"unk_token", words[0]}}},
          {"pre_tokenizer", {{"type", "WhitespaceSplit"}}}};
}

Json added(std::int64_t id, const std::string& content, const Json& flags = Json::object()) {
  Json token = {{"id", id}, {"content", content}, {"special", true}};
  token.update(flags);
  return token;
}

void expect_ranges_in_order(std::string_view text, const std::vector<Token>& tokens) {
  const auto is_boundary = [&](std::size_t at) {
    return at == text.size() || (at < text.size() && (text[at] & 0xC0) != 0x80);
  };
  std::size_t last_begin = 0, last_end = 0;
  for (const Token& token : tokens) {
    if (token.special) continue;
    EXPECT_LE(token.begin, token.end);
    EXPECT_LE(token.end, text.size());
    EXPECT_TRUE(is_boundary(token.begin) && is_boundary(token.end));
    EXPECT_GE(token.begin, last_begin);
    EXPECT_GE(token.end, last_end);
    last_begin = token.begin;
    last_end = token.end;
  }
}

/// The bytes of `text` that no token covers.
std::string uncovered(std::string_view text, const std::vector<Token>& tokens) {
  std::vector<bool> covered(text.size());
  for (const Token& token : tokens)
    std::fill(covered.begin() + static_cast<std::ptrdiff_t>(token.begin),
              covered.begin() + static_cast<std::ptrdiff_t>(token.end), true);
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (!covered[i]) out += text[i];
  return out;
}

void expect_lossless(const Tokenizer& tokenizer, std::string_view text) {
  const auto tokens = tokenizer.encode(text, {.add_special = false});
  EXPECT_EQ(tokenizer.decode(ids_of(tokens)), text);
  EXPECT_EQ(uncovered(text, tokens), "");
  expect_ranges_in_order(text, tokens);
}

TEST(Properties, ByteLevelBpeLosesNothing) {
  const auto tokenizer = load_json(testing::byte_level_json(
      {{"Ġ", "t"}, {"h", "e"}, {"Ġt", "he"}, {"Ã", "©"}, {"ä", "¸"}, {"a", "a"}, {"aa", "aa"}}));
  std::mt19937_64 random(3);
  for (std::size_t i = 0; i < 400; ++i)
    expect_lossless(*tokenizer, testing::random_text(random, i % 60));
}

TEST(Properties, Gpt2LosesNothing) {
  HEADLIGHT_SHARED_OR_SKIP(folder, "tokenizers/gpt2-bpe");
  const auto tokenizer = load_tokenizer(folder);
  std::mt19937_64 random(4);
  for (std::size_t i = 0; i < 200; ++i)
    expect_lossless(*tokenizer, testing::random_text(random, i % 60));
  std::string run(1u << 20, 'a');
  expect_lossless(*tokenizer, run);
}

TEST(Properties, SentencePieceLosesNothing) {
  HEADLIGHT_SHARED_OR_SKIP(folder, "models/stories15M");
  const auto tokenizer = load_tokenizer(folder);
  std::mt19937_64 random(5);
  for (std::size_t i = 0; i < 200; ++i)
    expect_lossless(*tokenizer, testing::random_text(random, i % 60));
  expect_lossless(*tokenizer, std::string(1u << 20, 'a'));
}

TEST(Properties, WordPieceDropsOnlySpaceControlsAndAccents) {
  HEADLIGHT_SHARED_OR_SKIP(folder, "models/all-MiniLM-L6-v2");
  const auto tokenizer = load_tokenizer(folder);
  std::mt19937_64 random(6);
  for (std::size_t i = 0; i < 300; ++i) {
    const std::string text = testing::random_text(random, i % 60);
    const auto tokens = tokenizer->encode(text);
    expect_ranges_in_order(text, tokens);
    const std::string dropped = uncovered(text, tokens);
    for (std::size_t at = 0; at < dropped.size();) {
      const char32_t c = next_code_point(dropped, at);
      EXPECT_TRUE(is_white_space(c) || is_control(c) || is_mark(c) || c == U'\uFFFD')
          << "U+" << std::hex << static_cast<unsigned>(c);
    }
  }
  const std::string run(1u << 20, 'a');
  EXPECT_EQ(pieces_of(tokenizer->encode(run)), (Strings{"[CLS]", "[UNK]", "[SEP]"}));
}

TEST(Encode, RefusesWhatIsNotUtf8AndTakesNul) {
  const auto tokenizer = load_json(testing::byte_level_json({}));
  testing::expect_error([&] { tokenizer->encode("ab\xFFz"); }, {"byte 2 is 0xff"});
  testing::expect_error([&] { tokenizer->encode("ab\xE2\x82"); }, {"byte 2 is 0xe2"});
  testing::expect_error([&] { tokenizer->encode("\xED\xA0\x80"); }, {"byte 0"});
  const std::string nul("a\0b", 3);
  EXPECT_EQ(tokenizer->decode(ids_of(tokenizer->encode(nul))), nul);
  EXPECT_TRUE(tokenizer->encode("").empty());
}

TEST(Encode, EveryByteOfACharacterCoversAllOfIt) {
  const auto tokenizer = load_json(testing::byte_level_json({{"â", "Ĥ"}}));
  const auto tokens = tokenizer->encode("x€");
  EXPECT_EQ(pieces_of(tokens), (Strings{"x", "<0xE2><0x82>", "<0xAC>"}));
  EXPECT_EQ(covered_by("x€", tokens), (Strings{"x", "€", "€"}));
  EXPECT_EQ(tokenizer->decode({tokens[1].id}), "\uFFFD");
}

TEST(AddedTokens, FlagsOfTheirSurroundings) {
  Json root = word_level({"?", "a", "b"});
  root["added_tokens"] = {added(3, "<m>", {{"lstrip", true}}), added(4, "<r>", {{"rstrip", true}}),
                          added(5, "solo", {{"single_word", true}}), added(6, "<m>x")};
  const auto tokenizer = load_json(root);
  const auto covered = [&](std::string_view text) {
    return covered_by(text, tokenizer->encode(text));
  };
  EXPECT_EQ(covered("a  <m> b"), (Strings{"a", "  <m>", "b"}));
  EXPECT_EQ(covered("a <r>  b"), (Strings{"a", "<r>  ", "b"}));
  EXPECT_EQ(covered("<r>  <m>"), (Strings{"<r>  ", "<m>"}));
  EXPECT_EQ(ids_of(tokenizer->encode("a<m>xb")), (Ids{1, 6, 2}));  // the longest wins
  EXPECT_EQ(ids_of(tokenizer->encode("a solo b")), (Ids{1, 5, 2}));
  EXPECT_EQ(ids_of(tokenizer->encode("asolo b")), (Ids{0, 2}));
  EXPECT_EQ(ids_of(tokenizer->encode("a soloé b")), (Ids{1, 0, 2}));
  EXPECT_EQ(tokenizer->decode({1, 3, 2}), "a b");     // special: not part of the text
  EXPECT_FALSE(tokenizer->encode("<m>")[0].special);  // the user wrote it
}

TEST(AddedTokens, NormalizedOnesAreFoundInNormalizedText) {
  Json root = word_level({"?", "a"});
  root["normalizer"] = {{"type", "Lowercase"}};
  root["added_tokens"] = {added(2, "New York", {{"normalized", true}}), added(3, "<RAW>")};
  const auto tokenizer = load_json(root);
  EXPECT_EQ(ids_of(tokenizer->encode("a NEW YORK a")), (Ids{1, 2, 1}));
  EXPECT_EQ(ids_of(tokenizer->encode("a<RAW>")), (Ids{1, 3}));
  EXPECT_EQ(ids_of(tokenizer->encode("<raw>")), (Ids{0}));
}

TEST(PostProcessor, TemplateWithTypes) {
  Json root = word_level({"?", "a", "b", "<s>", "</s>"});
  const auto special = [](const char* id, int type) {
    return Json{{"SpecialToken", {{"id", id}, {"type_id", type}}}};
  };
  const auto text = [](const char* id, int type) {
    return Json{{"Sequence", {{"id", id}, {"type_id", type}}}};
  };
  root["post_processor"] = {
      {"type", "TemplateProcessing"},
      {"single", {special("<s>", 0), text("A", 0)}},
      {"pair", {special("<s>", 0), text("A", 0), special("end", 1), text("B", 1)}},
      {"special_tokens",
       {{"<s>", {{"id", "<s>"}, {"ids", {3}}, {"tokens", {"<s>"}}}},
        {"end", {{"id", "end"}, {"ids", {4, 4}}, {"tokens", {"</s>", "</s>"}}}}}}};
  const auto tokenizer = load_json(root);
  EXPECT_EQ(ids_of(tokenizer->encode("a b")), (Ids{3, 1, 2}));
  EXPECT_EQ(ids_of(tokenizer->encode("a b", {.add_special = false})), (Ids{1, 2}));
  const auto pair = tokenizer->encode_pair("a", "b a");
  EXPECT_EQ(ids_of(pair), (Ids{3, 1, 4, 4, 2, 1}));
  Ids types;
  for (const Token& token : pair) types.push_back(token.type_id);
  EXPECT_EQ(types, (Ids{0, 0, 1, 1, 1, 1}));
  EXPECT_EQ(pair[5].begin, 2u);  // in the second text
  EXPECT_TRUE(pair[2].special && !pair[4].special);
}

TEST(PostProcessor, RobertaTrimsSpacesAndDoublesTheSeparator) {
  Json root = testing::byte_level_json({{"Ġ", "b"}});
  root["pre_tokenizer"]["add_prefix_space"] = true;
  root["added_tokens"] = {added(257, "<s>"), added(258, "</s>")};
  root["post_processor"] = {{"type", "RobertaProcessing"},
                            {"sep", {"</s>", 258}},
                            {"cls", {"<s>", 257}},
                            {"trim_offsets", true},
                            {"add_prefix_space", true}};
  const auto tokenizer = load_json(root);
  const auto tokens = tokenizer->encode("b b");
  EXPECT_EQ(ids_of(tokens), (Ids{257, 256, 256, 258}));
  EXPECT_EQ(covered_by("b b", tokens), (Strings{"", "b", "b", ""}));
  EXPECT_EQ(ids_of(tokenizer->encode_pair("b", "b")), (Ids{257, 256, 258, 258, 256, 258}));
}

TEST(PostProcessor, WithoutOneThereAreNoPairs) {
  const auto tokenizer = load_json(word_level({"?", "a"}));
  testing::expect_error([&] { tokenizer->encode_pair("a", "a"); }, {"WordLevel", "pair"});
}

/// As Llama 2's tokenizer.json is made: SentencePiece's rules as normalizer and byte fallback.
TEST(Families, LlamaStyleBpe) {
  const Json vocab = {{"<unk>", 0}, {"<s>", 1}, {"▁", 2},      {"a", 3},      {"b", 4},
                      {"▁a", 5},    {"ab", 6},  {"<0xC3>", 7}, {"<0xA9>", 8}, {"▁ab", 9}};
  const Json root = {
      {"added_tokens", {added(1, "<s>")}},
      {"normalizer",
       {{"type", "Sequence"},
        {"normalizers",
         {{{"type", "Prepend"}, {"prepend", "▁"}},
          {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", "▁"}}}}}},
      {"model",
       {{"type", "BPE"},
        {"unk_token", "<unk>"},
        {"fuse_unk", true},
        {"byte_fallback", true},
        {"vocab", vocab},
        {"merges", Json::array({Json::array({"a", "b"}), "▁ a", "▁ ab"})}}},
      {"decoder",
       {{"type", "Sequence"},
        {"decoders",
         {{{"type", "Replace"}, {"pattern", {{"String", "▁"}}}, {"content", " "}},
          {{"type", "ByteFallback"}},
          {{"type", "Fuse"}},
          {{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}}}}}}};
  const auto tokenizer = load_json(root);
  EXPECT_EQ(tokenizer->kind(), "BPE");
  const auto tokens = tokenizer->encode("ab aé<s>b");
  EXPECT_EQ(ids_of(tokens), (Ids{9, 5, 7, 8, 1, 2, 4}));
  EXPECT_EQ(covered_by("ab aé<s>b", tokens), (Strings{"ab", " a", "é", "é", "<s>", "", "b"}));
  EXPECT_EQ(tokens[0].piece, " ab");
  EXPECT_EQ(tokenizer->decode({9, 5, 7, 8}), "ab aé");
  EXPECT_EQ(tokenizer->decode({9, 7}), "ab\uFFFD");
}

/// As Llama 3's and Qwen's are made: a Split by expression, then bytes without one.
TEST(Families, SplitThenByteLevel) {
  Json root = testing::byte_level_json({{"Ġ", "a"}, {"1", "2"}, {"12", "3"}});
  root["pre_tokenizer"] = {
      {"type", "Sequence"},
      {"pretokenizers",
       {{{"type", "Split"},
         {"pattern", {{"Regex", R"([^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|\s+(?!\S)|\s+)"}}},
         {"behavior", "Isolated"},
         {"invert", false}},
        {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}}}}};
  root["model"]["ignore_merges"] = true;
  root["normalizer"] = {{"type", "NFC"}};
  const auto tokenizer = load_json(root);
  EXPECT_EQ(tokenizer->kind(), "byte-level BPE");
  const std::string text = "a a1231e\u0301";
  const auto tokens = tokenizer->encode(text);
  EXPECT_EQ(pieces_of(tokens), (Strings{"a", " a", "123", "1", "<0xC3>", "<0xA9>"}));
  EXPECT_EQ(covered_by(text, tokens)[5], "e\u0301");
}

TEST(Decoders, WordPieceCleansUpEnglish) {
  const Json vocab = {{"[UNK]", 0}, {"do", 1}, {"##n", 2}, {"'", 3}, {"t", 4}, {"!", 5}};
  const Json root = {{"model", {{"type", "WordPiece"}, {"vocab", vocab}}},
                     {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
                     {"decoder", {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}}}};
  EXPECT_EQ(load_json(root)->decode({1, 2, 5, 4}), "don! t");
}

TEST(Decoders, MetaspaceAndBpe) {
  const auto metaspace = decode_metaspace("▁", PrependScheme::always);
  EXPECT_EQ(metaspace({"▁Hey", "▁you"}), (Pieces{"Hey", " you"}));
  EXPECT_EQ(decode_metaspace("▁", PrependScheme::never)({"▁Hey", "▁you"}),
            (Pieces{" Hey", " you"}));
  EXPECT_EQ(decode_bpe("</w>")({"low", "er</w>", "x</w>"}), (Pieces{"low", "er ", "x"}));
  EXPECT_EQ(decode_byte_fallback()({"a", "<0xE2>", "<0x82>", "<0xAC>", "<0xZZ>", "<0xFF>"}),
            (Pieces{"a", "€", "<0xZZ>", "\uFFFD"}));
}

}  // namespace
}  // namespace headlight
