// Ids, pieces and offsets against other implementations: Hugging Face's tokenizers (the goldens'
// metadata), llama.cpp's own cases, and llama2.c.
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include "core/mapped_file.h"
#include "io/json.h"
#include "io/safetensors.h"
#include "model/tokenizer.h"
#include "model/tokenizer/unicode.h"
#include "support/golden.h"
#include "support/shared.h"

namespace headlight {
namespace {

using Ids = std::vector<std::int64_t>;
using CharRanges = std::vector<std::pair<std::size_t, std::size_t>>;

Ids ids_of(const std::vector<Token>& tokens) {
  Ids ids;
  for (const Token& token : tokens) ids.push_back(token.id);
  return ids;
}

/// What Hugging Face calls the offsets: code points, and [0, 0] for a special token.
CharRanges char_offsets(const std::vector<Token>& tokens, const std::vector<std::string>& texts) {
  CharRanges out;
  for (const Token& token : tokens) {
    const std::string& text = texts[static_cast<std::size_t>(token.type_id)];
    out.emplace_back(count_code_points(text.substr(0, token.begin)),
                     count_code_points(text.substr(0, token.end)));
  }
  return out;
}

/// The BERT goldens hold ids, type ids, pieces and offsets; a text is a string or a pair of them.
void expect_bert_golden(const Tokenizer& tokenizer, const std::filesystem::path& path) {
  SCOPED_TRACE(path.filename().string());
  const SafetensorsFile golden(path);
  const auto stored = [&](const char* key) {
    return parse_json(golden.metadata().at(key), path.string());
  };
  const Json text = stored("text");
  const auto texts =
      text.is_array() ? text.get<std::vector<std::string>>() : std::vector{text.get<std::string>()};
  const auto tokens =
      texts.size() == 2 ? tokenizer.encode_pair(texts[0], texts[1]) : tokenizer.encode(texts[0]);
  EXPECT_EQ(ids_of(tokens), testing::integers(golden, "input_ids"));
  Ids types;
  std::vector<std::string> pieces;
  for (const Token& token : tokens) {
    types.push_back(token.type_id);
    pieces.push_back(token.piece);
    EXPECT_EQ(token.special, token.piece == "[CLS]" || token.piece == "[SEP]");
  }
  EXPECT_EQ(types, testing::integers(golden, "token_type_ids"));
  EXPECT_EQ(pieces, stored("tokens").get<std::vector<std::string>>());
  EXPECT_EQ(char_offsets(tokens, texts), stored("offsets").get<CharRanges>());
}

constexpr const char* kBertGoldens[] = {"animal", "coref", "pair", "unicode"};

TEST(TokenizerGoldens, BertTokenizerJson) {
  HEADLIGHT_SHARED_OR_SKIP(model, "models/all-MiniLM-L6-v2");
  HEADLIGHT_SHARED_OR_SKIP(goldens, "goldens");
  const auto tokenizer = load_tokenizer(model);
  ASSERT_NE(tokenizer, nullptr);
  EXPECT_EQ(tokenizer->kind(), "WordPiece");
  EXPECT_EQ(tokenizer->vocab_size(), 30522);
  for (const std::string name : kBertGoldens)
    expect_bert_golden(*tokenizer, goldens / ("all-MiniLM-L6-v2_" + name + ".safetensors"));
}

TEST(TokenizerGoldens, BertVocabTxt) {
  HEADLIGHT_SHARED_OR_SKIP(model, "models/all-MiniLM-L6-v2");
  HEADLIGHT_SHARED_OR_SKIP(goldens, "goldens");
  const auto folder = testing::scratch_folder();
  for (const char* name : {"vocab.txt", "tokenizer_config.json"})
    std::filesystem::copy_file(model / name, folder / name);
  const auto tokenizer = load_tokenizer(folder);
  ASSERT_NE(tokenizer, nullptr);
  EXPECT_EQ(tokenizer->vocab_size(), 30522);
  for (const std::string name : kBertGoldens)
    expect_bert_golden(*tokenizer, goldens / ("all-MiniLM-L6-v2_" + name + ".safetensors"));
}

TEST(TokenizerGoldens, SentencePieceOfStories15M) {
  HEADLIGHT_SHARED_OR_SKIP(model, "models/stories15M");
  HEADLIGHT_SHARED_OR_SKIP(golden, "goldens/stories15M_lily.json");
  const auto tokenizer = load_tokenizer(model);
  ASSERT_NE(tokenizer, nullptr);
  EXPECT_EQ(tokenizer->kind(), "SentencePiece");
  const Json lily = read_json_file(golden);
  const auto text = lily.at("text").get<std::string>();
  const auto tokens = tokenizer->encode(text);
  EXPECT_EQ(ids_of(tokens), lily.at("input_ids").get<Ids>());
  EXPECT_TRUE(tokens[0].special);
  EXPECT_EQ(tokens[1].piece, " Once");
  EXPECT_EQ(text.substr(tokens[2].begin, tokens[2].end - tokens[2].begin), " upon");
  EXPECT_EQ(tokenizer->decode(ids_of(tokens)), text);
}

TEST(TokenizerGoldens, WordLevelOfNanoSort) {
  HEADLIGHT_SHARED_OR_SKIP(model, "models/nano-sort");
  const auto tokenizer = load_tokenizer(model);
  ASSERT_NE(tokenizer, nullptr);
  EXPECT_EQ(tokenizer->kind(), "WordLevel");
  EXPECT_EQ(ids_of(tokenizer->encode("C B A\tB")), (Ids{2, 1, 0, 1}));
  EXPECT_EQ(tokenizer->decode({2, 1, 0}), "C B A");
}

TEST(TokenizerGoldens, Llama2cOfStories260K) {
  HEADLIGHT_SHARED_OR_SKIP(model, "models/stories260K");
  HEADLIGHT_SHARED_OR_SKIP(goldens, "goldens");
  const auto tokenizer = load_tokenizer(model);
  ASSERT_NE(tokenizer, nullptr);
  EXPECT_EQ(tokenizer->vocab_size(), 512);
  const Json lily = read_json_file(goldens / "stories260K_lily.json");
  const auto text = lily.at("text").get<std::string>();
  EXPECT_EQ(ids_of(tokenizer->encode(text)), lily.at("input_ids").get<Ids>());
  for (const char* name : {"stories260K_once.safetensors", "stories260K_story.safetensors"}) {
    const SafetensorsFile golden(goldens / name);
    const auto story = parse_json(golden.metadata().at("text"), name).get<std::string>();
    const auto tokens = tokenizer->encode(story);
    EXPECT_EQ(ids_of(tokens), testing::integers(golden, "input_ids")) << name;
    const Json pieces = parse_json(golden.metadata().at("pieces"), name);
    for (std::size_t i = 0; i < tokens.size(); ++i) EXPECT_EQ(tokens[i].piece, pieces[i]);
    EXPECT_EQ(tokenizer->decode(ids_of(tokens)), story);
  }
}

/// llama.cpp's cases: texts in `.inp`, one line of ids for each in `.out`, without special tokens.
void expect_llama_cpp_cases(const Tokenizer& tokenizer, const std::filesystem::path& gguf) {
  const std::string separator = "\n__ggml_vocab_test__\n";
  const std::string input = read_text_file(gguf.string() + ".inp");
  std::istringstream expected(read_text_file(gguf.string() + ".out"));
  std::size_t begin = 0, cases = 0;
  for (std::size_t end; (end = input.find(separator, begin)) != input.npos; ++cases) {
    const std::string text = input.substr(begin, end - begin);
    begin = end + separator.size();
    std::string line;
    ASSERT_TRUE(std::getline(expected, line));
    std::istringstream numbers(line);
    const Ids ids{std::istream_iterator<std::int64_t>(numbers), {}};
    EXPECT_EQ(ids_of(tokenizer.encode(text, {.add_special = false})), ids) << text;
  }
  EXPECT_EQ(cases, 46u);
}

TEST(LlamaCppCases, WordPiece) {
  HEADLIGHT_SHARED_OR_SKIP(model, "models/all-MiniLM-L6-v2");
  HEADLIGHT_SHARED_OR_SKIP(cases, "tokenizers");
  expect_llama_cpp_cases(*load_tokenizer(model), cases / "ggml-vocab-bert-bge.gguf");
}

TEST(LlamaCppCases, Gpt2) {
  HEADLIGHT_SHARED_OR_SKIP(vocabulary, "tokenizers/gpt2-bpe");
  HEADLIGHT_SHARED_OR_SKIP(cases, "tokenizers");
  const auto tokenizer = load_tokenizer(vocabulary);
  ASSERT_NE(tokenizer, nullptr);
  EXPECT_EQ(tokenizer->kind(), "byte-level BPE");
  EXPECT_EQ(tokenizer->vocab_size(), 50257);
  expect_llama_cpp_cases(*tokenizer, cases / "ggml-vocab-gpt-2.gguf");
}

TEST(LlamaCppCases, SentencePiece) {
  HEADLIGHT_SHARED_OR_SKIP(model, "models/stories15M");
  HEADLIGHT_SHARED_OR_SKIP(cases, "tokenizers");
  expect_llama_cpp_cases(*load_tokenizer(model), cases / "ggml-vocab-llama-spm.gguf");
}

}  // namespace
}  // namespace headlight
