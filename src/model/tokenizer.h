// Text to token ids and back, with offsets into the user's own bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/folder.h"

namespace headlight {

/// One token of an encoded text.
struct Token {
  std::int64_t id = 0;
  std::string piece;      ///< as a person reads it: " Once", "##ing", "[CLS]"; valid UTF-8
  std::size_t begin = 0;  ///< byte range [begin, end) of the user's text; empty for special ones
  std::size_t end = 0;
  bool special = false;  ///< put there by the tokenizer, not by the user
  int type_id = 0;       ///< segment (BERT's token_type_ids)
};

struct EncodeOptions {
  bool add_special = true;  ///< [CLS] ... [SEP], <s>, as the tokenizer's own settings say
};

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  /// Throws on invalid UTF-8, naming the byte. Ranges are in order and cover whole characters: of a
  /// character that is cut into several tokens, each covers all. What normalisation drops (white
  /// space, accents) may lie between two ranges.
  virtual std::vector<Token> encode(std::string_view text,
                                    const EncodeOptions& options = {}) const = 0;
  /// A pair of texts with the tokenizer's separators and type ids. Throws when it knows no pairs.
  virtual std::vector<Token> encode_pair(std::string_view first, std::string_view second) const = 0;
  /// The text that ids stand for, without special tokens ([CLS], <s>); bytes that are not UTF-8
  /// become U+FFFD. Throws for an id outside the vocabulary.
  virtual std::string decode(const std::vector<std::int64_t>& ids) const = 0;
  /// How one id is shown; valid UTF-8. A lone byte of a character is shown as <0xE2>.
  virtual std::string piece(std::int64_t id) const = 0;
  virtual std::int64_t vocab_size() const = 0;
  /// "byte-level BPE", "BPE", "WordPiece", "SentencePiece", "WordLevel",
  /// "SentencePiece BPE (llama2.c)".
  virtual std::string_view kind() const = 0;
};

/// The tokenizer of a model folder, from the first of these that is there: `tokenizer.json` (but
/// not its Unigram model when there is a `tokenizer.model`), `tokenizer.model`, `vocab.json` +
/// `merges.txt` (or GPT-2's own names `encoder.json` + `vocab.bpe`), `vocab.txt`, llama2.c's
/// `tokenizer.bin` or `tok512.bin`. Null when the folder holds none; throws when it holds one that
/// is damaged or of a kind not supported.
std::unique_ptr<Tokenizer> load_tokenizer(const Folder& folder);

}  // namespace headlight
