#include "model/tokenizer/sentence_piece.h"

#include <sentencepiece_processor.h>

#include <limits>

#include "core/error.h"
#include "core/mapped_file.h"
#include "core/utf8.h"
#include "model/tokenizer/charsmap.h"
#include "model/tokenizer/decoders.h"

// Exported by libsentencepiece, which otherwise writes to standard error; its headers for programs
// do not declare it.
namespace sentencepiece::logging {
void SetMinLogLevel(int level);
}

namespace headlight {
namespace {

constexpr std::string_view kOp = "tokenizer";
constexpr int kLogFatal = 3;

class SentencePiece final : public Tokenizer {
 public:
  SentencePiece(const std::filesystem::path& path, const JsonObject& config);

  std::vector<Token> encode(std::string_view text, const EncodeOptions& options) const override;
  std::vector<Token> encode_pair(std::string_view first, std::string_view second) const override;
  std::string decode(const std::vector<std::int64_t>& ids) const override;
  std::string piece(std::int64_t id) const override;
  std::int64_t vocab_size() const override { return processor_.GetPieceSize(); }
  std::string_view kind() const override { return "SentencePiece"; }

 private:
  int checked(std::int64_t id) const;
  void append_special(int id, std::vector<Token>& tokens) const;
  void append_text(std::string_view text, std::vector<Token>& tokens) const;
  void widen_bytes(std::vector<Token>& tokens) const;

  sentencepiece::SentencePieceProcessor processor_;
  Pieces pieces_;  // by id, as a person reads them
  bool add_bos_ = false;
  bool add_eos_ = false;
};

SentencePiece::SentencePiece(const std::filesystem::path& path, const JsonObject& config) {
  sentencepiece::logging::SetMinLogLevel(kLogFatal);
  const std::string source = printable(path.string(), 400);
  const std::string bytes = read_text_file(path);
  check(!bytes.empty(), kOp, "{}: empty; a SentencePiece model is expected", source);
  check_charsmaps(bytes, source);
  const auto status = processor_.LoadFromSerializedProto(bytes);
  check(status.ok(), kOp, "{}: not a SentencePiece model, or damaged: {}", source,
        printable(status.ToString(), 200));
  check(processor_.GetPieceSize() > 0, kOp, "{}: the vocabulary is empty", source);
  for (int id = 0; id < processor_.GetPieceSize(); ++id) {
    const std::string& piece = processor_.IdToPiece(id);
    if (!is_utf8(piece))
      fail(kOp, "{}: piece {} is not UTF-8: \"{}\"", source, id, printable(piece));
    pieces_.push_back(piece);
  }
  pieces_ = decode_replace(Pattern::literal("\u2581"), " ")(std::move(pieces_));
  add_bos_ = config.boolean_or("add_bos_token", processor_.bos_id() >= 0);
  add_eos_ = config.boolean_or("add_eos_token", false);
  check(!add_bos_ || processor_.bos_id() >= 0, kOp,
        "{}: \"add_bos_token\" is true, but {} has no such token", config.source(), source);
  check(!add_eos_ || processor_.eos_id() >= 0, kOp,
        "{}: \"add_eos_token\" is true, but {} has no such token", config.source(), source);
}

int SentencePiece::checked(std::int64_t id) const {
  check(id >= 0 && id < vocab_size(), kOp, "id {} is outside the vocabulary of {} (ids 0 to {})",
        id, vocab_size(), vocab_size() - 1);
  return static_cast<int>(id);
}

std::vector<Token> SentencePiece::encode(std::string_view text,
                                         const EncodeOptions& options) const {
  std::vector<Token> tokens;
  if (options.add_special && add_bos_) append_special(processor_.bos_id(), tokens);
  append_text(text, tokens);
  if (options.add_special && add_eos_) append_special(processor_.eos_id(), tokens);
  return tokens;
}

std::vector<Token> SentencePiece::encode_pair(std::string_view, std::string_view) const {
  fail(kOp,
       "a pair of texts: this SentencePiece tokenizer has no template for pairs; encode them as "
       "one text");
}

void SentencePiece::append_special(int id, std::vector<Token>& tokens) const {
  tokens.push_back({.id = id, .piece = piece(id), .special = true});
}

void SentencePiece::append_text(std::string_view text, std::vector<Token>& tokens) const {
  check(text.size() < std::numeric_limits<std::int32_t>::max(), kOp,
        "a text of {} bytes; at most 2 GiB", text.size());
  check_utf8(text, "the text");
  const auto encoded = processor_.EncodeAsImmutableProto(text);
  tokens.reserve(tokens.size() + encoded.pieces_size());
  for (const auto& part : encoded.pieces()) {
    const int id = checked(part.id());
    tokens.push_back({.id = id, .piece = piece(id), .begin = part.begin(), .end = part.end()});
  }
  widen_bytes(tokens);
}

/// The library gives a character that it spells in bytes to the last of them; here it belongs to
/// each, as in every other tokenizer.
void SentencePiece::widen_bytes(std::vector<Token>& tokens) const {
  for (std::size_t i = tokens.size(); i-- > 1;) {
    const Token& later = tokens[i];
    Token& token = tokens[i - 1];
    if (processor_.IsByte(static_cast<int>(token.id)) && token.begin == token.end &&
        token.begin == later.begin && !token.special)
      token.end = later.end;
  }
}

std::string SentencePiece::decode(const std::vector<std::int64_t>& ids) const {
  std::vector<int> known;
  known.reserve(ids.size());
  for (const std::int64_t id : ids) known.push_back(checked(id));
  std::string text;
  const auto status = processor_.Decode(known, &text);
  check(status.ok(), kOp, "SentencePiece cannot decode: {}", printable(status.ToString(), 200));
  return text;
}

std::string SentencePiece::piece(std::int64_t id) const {
  return pieces_[static_cast<std::size_t>(checked(id))];
}

}  // namespace

std::unique_ptr<Tokenizer> read_sentence_piece(const std::filesystem::path& path,
                                               const JsonObject& config) {
  return std::make_unique<SentencePiece>(path, config);
}

}  // namespace headlight
