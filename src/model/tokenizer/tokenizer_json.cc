#include "model/tokenizer/tokenizer_json.h"

#include <utility>

#include "core/error.h"
#include "model/tokenizer/bpe.h"
#include "model/tokenizer/json_components.h"
#include "model/tokenizer/pipeline.h"
#include "model/tokenizer/word_level.h"
#include "model/tokenizer/word_piece.h"

namespace headlight {
namespace {

constexpr std::string_view kOp = "tokenizer";
constexpr std::int64_t kMostIds = std::int64_t{1} << 31;
constexpr std::int64_t kMostWordChars = 1 << 20;

BpeMerge read_merge(const Json& value, std::size_t rank, const std::string& source) {
  if (value.is_array() && value.size() == 2 && value[0].is_string() && value[1].is_string())
    return {value[0].get<std::string>(), value[1].get<std::string>(),
            static_cast<std::uint32_t>(rank)};
  if (value.is_string())
    if (auto merge = parse_merge(value.get_ref<const std::string&>(), rank))
      return *std::move(merge);
  fail(kOp, "{}: a merge must be \"left right\" or [left, right], got {}", source, describe(value));
}

std::unique_ptr<WordModel> read_bpe(const JsonObject& model, VocabularyPtr vocabulary) {
  check(model.number_or("dropout", 0) == 0, kOp,
        "{}: \"dropout\" makes tokens random, which is for training; set it to null",
        model.source());
  BpeOptions options;
  // Some files say "" where they mean none.
  if (const std::string unknown = model.string_or("unk_token", ""); !unknown.empty())
    options.unk_token = unknown;
  options.continuing_subword_prefix = model.string_or("continuing_subword_prefix", "");
  options.end_of_word_suffix = model.string_or("end_of_word_suffix", "");
  options.fuse_unk = model.boolean_or("fuse_unk", false);
  options.byte_fallback = model.boolean_or("byte_fallback", false);
  options.ignore_merges = model.boolean_or("ignore_merges", false);
  const Json& list = model.at("merges");
  check(list.is_array(), kOp, "{}: \"merges\" must be an array, got {}", model.source(),
        describe(list));
  std::vector<BpeMerge> merges;
  merges.reserve(list.size());
  for (const Json& merge : list) merges.push_back(read_merge(merge, merges.size(), model.source()));
  return std::make_unique<Bpe>(std::move(vocabulary), merges, std::move(options));
}

std::unique_ptr<WordModel> read_word_piece(const JsonObject& model, VocabularyPtr vocabulary) {
  WordPieceOptions options;
  options.unk_token = model.string_or("unk_token", options.unk_token);
  options.continuing_subword_prefix =
      model.string_or("continuing_subword_prefix", options.continuing_subword_prefix);
  options.max_input_chars_per_word = model.integer_or(
      "max_input_chars_per_word", options.max_input_chars_per_word, 1, kMostWordChars);
  return std::make_unique<WordPiece>(std::move(vocabulary), std::move(options));
}

std::unique_ptr<WordModel> read_word_level(const JsonObject& model, VocabularyPtr vocabulary) {
  std::optional<std::int64_t> unknown;
  if (const std::string token = model.string_or("unk_token", ""); !token.empty())
    unknown = vocabulary->require(token, "unk_token");
  return std::make_unique<WordLevel>(std::move(vocabulary), unknown);
}

std::unique_ptr<WordModel> read_model(const std::string& type, const JsonObject& model,
                                      VocabularyPtr vocabulary) {
  if (type == "BPE") return read_bpe(model, std::move(vocabulary));
  if (type == "WordPiece") return read_word_piece(model, std::move(vocabulary));
  return read_word_level(model, std::move(vocabulary));
}

std::vector<AddedToken> read_added_tokens(const JsonObject& root) {
  std::vector<AddedToken> tokens;
  if (!root.has("added_tokens")) return tokens;
  const Json& list = root.at("added_tokens");
  check(list.is_array(), kOp, "{}: \"added_tokens\" must be an array, got {}", root.source(),
        describe(list));
  for (const Json& value : list) {
    const JsonObject entry(value, root.source() + ": added_tokens");
    AddedToken token;
    token.content = entry.string("content");
    token.id = entry.integer("id", 0, kMostIds - 1);
    token.special = entry.boolean_or("special", false);
    token.single_word = entry.boolean_or("single_word", false);
    token.lstrip = entry.boolean_or("lstrip", false);
    token.rstrip = entry.boolean_or("rstrip", false);
    token.normalized = entry.boolean_or("normalized", !token.special);
    check(!token.content.empty(), kOp, "{}: added token {} is empty", root.source(), token.id);
    tokens.push_back(std::move(token));
  }
  return tokens;
}

VocabularyPtr make_vocabulary(const JsonObject& model, const std::vector<AddedToken>& added,
                              const std::string& source) {
  std::vector<VocabularyEntry> extra;
  for (const AddedToken& token : added) extra.push_back({token.content, token.id});
  return std::make_shared<const Vocabulary>(
      read_vocabulary_entries(model.at("vocab"), model.source() + ": vocab"), extra, source);
}

bool is_byte_level(const JsonObject& root) {
  return (root.has("pre_tokenizer") && names_type(root.at("pre_tokenizer"), "ByteLevel")) ||
         (root.has("decoder") && names_type(root.at("decoder"), "ByteLevel"));
}

void set_style(const JsonObject& root, const std::string& type, PipelineParts& parts) {
  parts.kind = type;
  if (type != "BPE") return;
  if (is_byte_level(root)) {
    parts.kind = "byte-level BPE";
    parts.style = PieceStyle::bytes;
  } else if (parts.vocabulary->find("\u2581")) {
    parts.style = PieceStyle::metaspace;
  }
}

}  // namespace

std::string tokenizer_json_model(const Json& value, const std::string& source) {
  const JsonObject root(value, source);
  const JsonObject model(root.at("model"), source + ": model");
  if (model.has("type")) return model.string("type");
  if (model.has("merges")) return "BPE";
  return model.has("max_input_chars_per_word") ? "WordPiece" : "WordLevel";
}

std::unique_ptr<Tokenizer> read_tokenizer_json(const Json& value, const std::string& source) {
  const std::string type = tokenizer_json_model(value, source);
  check(type == "BPE" || type == "WordPiece" || type == "WordLevel", kOp,
        "{}: the model \"{}\" is not supported; supported: BPE, WordPiece, WordLevel, and "
        "SentencePiece by a tokenizer.model beside it",
        source, printable(type));
  const JsonObject root(value, source);
  const JsonObject model(root.at("model"), source + ": model");
  PipelineParts parts;
  parts.added_tokens = read_added_tokens(root);
  parts.vocabulary = make_vocabulary(model, parts.added_tokens, source);
  parts.model = read_model(type, model, parts.vocabulary);
  set_style(root, type, parts);
  if (root.has("normalizer")) parts.normalizer = read_normalizer(root.at("normalizer"), source);
  if (root.has("pre_tokenizer"))
    parts.pre_tokenizer = read_pre_tokenizer(root.at("pre_tokenizer"), source);
  if (root.has("post_processor"))
    parts.post_processor =
        read_post_processor(root.at("post_processor"), *parts.vocabulary, source);
  if (root.has("decoder")) parts.decoder = read_decoder(root.at("decoder"), source);
  return make_pipeline(std::move(parts));
}

}  // namespace headlight
