#include "model/tokenizer/vocab_files.h"

#include <algorithm>
#include <utility>

#include "core/error.h"
#include "core/mapped_file.h"
#include "model/tokenizer/bpe.h"
#include "model/tokenizer/json_components.h"
#include "model/tokenizer/pipeline.h"
#include "model/tokenizer/word_piece.h"

namespace headlight {
namespace {

constexpr std::string_view kOp = "tokenizer";

// The split of Qwen2's tokenizer.json, which is that of cl100k with single digits.
constexpr const char* kQwen2Expression =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*)"
    R"(|\s*[\r\n]+|\s+(?!\S)|\s+)";

/// The lines of a text file, without their ends. An empty last line is none.
std::vector<std::string> read_lines(const std::filesystem::path& path) {
  const std::string text = read_text_file(path);
  check_utf8(text, printable(path.string(), 400));
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string line = text.substr(at, end - at);
    if (line.ends_with('\r')) line.pop_back();
    lines.push_back(std::move(line));
    at = end + 1;
  }
  return lines;
}

std::vector<BpeMerge> read_merges(const std::filesystem::path& path) {
  const std::vector<std::string> lines = read_lines(path);
  std::vector<BpeMerge> merges;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string& line = lines[i];
    if (line.empty() || (i == 0 && line.starts_with("#version"))) continue;
    auto merge = parse_merge(line, merges.size());
    if (!merge)
      fail(kOp, "{}: line {} must be two pieces with a space between, got \"{}\"",
           printable(path.string(), 400), i + 1, printable(line));
    merges.push_back(*std::move(merge));
  }
  return merges;
}

/// A token of tokenizer_config.json: its text, or an object with its text as "content".
std::string token_setting(const JsonObject& config, std::string_view key,
                          std::string_view fallback) {
  if (!config.has(key) || !config.at(key).is_object()) return config.string_or(key, fallback);
  return JsonObject(config.at(key), fmt::format("{}: {}", config.source(), key)).string("content");
}

/// Those of `names` that the vocabulary has, as special tokens.
std::vector<AddedToken> special_tokens(const Vocabulary& vocabulary,
                                       std::initializer_list<std::string_view> names) {
  std::vector<AddedToken> out;
  for (const std::string_view name : names)
    if (const auto id = vocabulary.find(name))
      out.push_back({.content = std::string(name), .id = *id, .special = true});
  return out;
}

}  // namespace

std::unique_ptr<Tokenizer> read_bpe_files(const std::filesystem::path& vocab,
                                          const std::filesystem::path& merges,
                                          const JsonObject& config) {
  std::string type = config.string_or("tokenizer_class", "GPT2Tokenizer");
  if (type.ends_with("Fast")) type.resize(type.size() - 4);
  const bool qwen = type == "Qwen2Tokenizer";
  check(qwen || type == "GPT2Tokenizer", kOp,
        "{}: the tokenizer_class \"{}\" needs a tokenizer.json; from vocabulary files alone: "
        "GPT2Tokenizer, Qwen2Tokenizer",
        config.source(), printable(type));
  PipelineParts parts;
  parts.kind = "byte-level BPE";
  parts.style = PieceStyle::bytes;
  const std::string source = printable(vocab.string(), 400);
  parts.vocabulary =
      std::make_shared<const Vocabulary>(read_vocabulary_entries(read_json_file(vocab), source),
                                         std::vector<VocabularyEntry>{}, source);
  parts.model = std::make_unique<Bpe>(parts.vocabulary, read_merges(merges), BpeOptions{});
  parts.added_tokens =
      special_tokens(*parts.vocabulary, {"<|endoftext|>", "<|im_start|>", "<|im_end|>"});
  parts.decoder = decode_byte_level();
  if (qwen) {
    parts.normalizer = normalize_form(NormalForm::nfc);
    parts.pre_tokenizer =
        pre_tokenize_sequence({pre_tokenize_split(Pattern::regex(kQwen2Expression, "Qwen2's split"),
                                                  SplitBehavior::isolated, false),
                               pre_tokenize_byte_level(false, false)});
  } else {
    parts.pre_tokenizer =
        pre_tokenize_byte_level(config.boolean_or("add_prefix_space", false), true);
  }
  return make_pipeline(std::move(parts));
}

std::unique_ptr<Tokenizer> read_bert_vocab(const std::filesystem::path& vocab,
                                           const JsonObject& config) {
  const std::string source = printable(vocab.string(), 400);
  std::vector<VocabularyEntry> entries;
  for (std::string& line : read_lines(vocab))
    entries.push_back({std::move(line), static_cast<std::int64_t>(entries.size())});
  BertOptions bert;
  bert.lowercase = config.boolean_or("do_lower_case", true);
  bert.handle_chinese_chars = config.boolean_or("tokenize_chinese_chars", true);
  if (config.has("strip_accents")) bert.strip_accents = config.boolean("strip_accents");
  WordPieceOptions options;
  options.unk_token = token_setting(config, "unk_token", options.unk_token);
  const std::string cls = token_setting(config, "cls_token", "[CLS]");
  const std::string sep = token_setting(config, "sep_token", "[SEP]");

  PipelineParts parts;
  parts.kind = "WordPiece";
  parts.vocabulary =
      std::make_shared<const Vocabulary>(entries, std::vector<VocabularyEntry>{}, source);
  parts.model = std::make_unique<WordPiece>(parts.vocabulary, options);
  parts.added_tokens = special_tokens(
      *parts.vocabulary, {token_setting(config, "pad_token", "[PAD]"), options.unk_token, cls, sep,
                          token_setting(config, "mask_token", "[MASK]")});
  parts.normalizer = normalize_bert(bert);
  parts.pre_tokenizer = pre_tokenize_bert();
  parts.post_processor = cls_sep_template(parts.vocabulary->require(cls, "cls_token"),
                                          parts.vocabulary->require(sep, "sep_token"), 1, 1);
  parts.decoder = decode_word_piece("##", true);
  return make_pipeline(std::move(parts));
}

}  // namespace headlight
