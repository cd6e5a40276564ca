#include <algorithm>
#include <set>

#include "core/error.h"
#include "core/utf8.h"
#include "train/micro_world.h"
#include "train/tokenizer_files.h"
#include "train/tokenizer_parts.h"

namespace headlight {
namespace {

constexpr std::size_t kLearnedPieces = 128;
constexpr std::string_view kPrefix = "##";
constexpr std::string_view kIdeographs = "\u3400-\u4DBF\u4E00-\u9FFF\uF900-\uFAFF";
// What is a letter up there differs between versions of Unicode, and so between libraries.
constexpr std::string_view kOtherPlanes = "\U00010000-\U0010FFFF";

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

std::string lowered(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

/// Words of a language as the normalizer leaves them.
std::set<std::string> words_of(Language language) {
  std::set<std::string> words;
  for (const std::string& word : micro_world_words(language)) words.insert(lowered(word));
  return words;
}

/// Chinese words, longest first, so that of two that fit the longer one is found; then single
/// ideographs, words of other letters (with an apostrophe inside: didn't), single digits, and every
/// other character by itself. \s would not do: engines differ on what it is.
std::string word_expression() {
  std::vector<std::string> words;
  for (const std::string& word : words_of(Language::chinese))
    if (word.size() > 3) words.push_back(word);  // longer than one ideograph
  std::ranges::stable_sort(words, std::ranges::greater(), &std::string::size);
  std::string expression;
  for (const std::string& word : words) expression += word + "|";
  const std::string letters =
      fmt::format("(?:(?![{}{}])[\\p{{L}}\\p{{M}}])+", kIdeographs, kOtherPlanes);
  return expression +
         fmt::format("[{}]|{}(?:['\u2019]{})*|\\p{{N}}|[^ ]", kIdeographs, letters, letters);
}

/// Pieces of English words, most frequent pairs first, so that other words are not all letters.
std::vector<std::string> learned_pieces(const std::set<std::string>& words) {
  std::vector<WordCount> counts;
  for (const std::string& word : words)
    if (std::ranges::all_of(word, [](char c) { return c >= 'a' && c <= 'z'; }))
      counts.push_back({word, 1});
  BpeTrainerOptions options{.vocab_size = 2 * 26 + kLearnedPieces, .initial = {}};
  for (char c = 'a'; c <= 'z'; ++c) options.initial.emplace_back(1, c);
  for (char c = 'a'; c <= 'z'; ++c) options.initial.push_back(std::string(kPrefix) + c);
  options.continuing_prefix = kPrefix;
  return train_bpe(counts, options).pieces;
}

/// Every piece once, in an order that depends on the lexicon alone.
std::vector<std::string> pieces() {
  std::vector<std::string> out = special_tokens(TokenizerUse::fill);
  std::set<std::string> known(out.begin(), out.end());
  const auto add = [&](const std::string& piece) {
    if (known.insert(piece).second) out.push_back(piece);
  };
  for (char c = '!'; c <= '~'; ++c)
    if (c < 'A' || c > 'Z') add(std::string(1, c));
  add("##'");
  const auto english = words_of(Language::english), chinese = words_of(Language::chinese);
  for (const auto* words : {&english, &chinese})
    for (const std::string& word : *words) add(word);
  for (const std::string& word : chinese)
    for (std::size_t at = 0; at < word.size() && !is_ascii(word);) {
      const std::size_t length = utf8_length(std::string_view(word).substr(at));
      add(word.substr(at, length));
      at += length;
    }
  for (const std::string& piece : learned_pieces(english)) add(piece);
  return out;
}

}  // namespace

TokenizerFiles micro_world_tokenizer_files() {
  TokenizerFiles files{tokenizer_frame(TokenizerUse::fill), tokenizer_config(TokenizerUse::fill)};
  Json vocab = Json::object();
  for (const std::string& piece : pieces()) {
    const std::size_t id = vocab.size();
    vocab[piece] = id;
  }
  files.tokenizer["normalizer"] = {{"type", "BertNormalizer"},
                                   {"clean_text", true},
                                   {"handle_chinese_chars", false},
                                   {"strip_accents", nullptr},
                                   {"lowercase", true}};
  files.tokenizer["pre_tokenizer"] = {{"type", "Split"},
                                      {"pattern", {{"Regex", word_expression()}}},
                                      {"behavior", "Removed"},
                                      {"invert", true}};
  files.tokenizer["decoder"] = {{"type", "WordPiece"}, {"prefix", kPrefix}, {"cleanup", true}};
  files.tokenizer["model"] = {{"type", "WordPiece"},
                              {"unk_token", "[UNK]"},
                              {"continuing_subword_prefix", kPrefix},
                              {"max_input_chars_per_word", 100},
                              {"vocab", std::move(vocab)}};
  return files;
}

}  // namespace headlight
