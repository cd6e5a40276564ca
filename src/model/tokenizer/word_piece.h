// WordPiece: the longest piece that fits, from left to right (Wu et al. 2016, section 4.1; the
// matching is that of google-research/bert, tokenization.py).
#pragma once

#include <string>

#include "model/tokenizer/word_model.h"

namespace headlight {

struct WordPieceOptions {
  std::string unk_token = "[UNK]";
  std::string continuing_subword_prefix = "##";  ///< of every piece but a word's first
  std::int64_t max_input_chars_per_word = 100;   ///< a longer word is unknown
};

class WordPiece final : public WordModel {
 public:
  /// Throws when the vocabulary lacks the unknown token.
  WordPiece(VocabularyPtr vocabulary, WordPieceOptions options);
  /// A word that pieces do not cover becomes one unknown token. Time is at most the word's length
  /// times the longest piece's.
  void split(std::string_view word, std::vector<WordPart>& parts) const override;

 private:
  bool split_known(std::string_view word, std::vector<WordPart>& parts) const;

  VocabularyPtr vocabulary_;
  WordPieceOptions options_;
  std::int64_t unknown_ = 0;
};

}  // namespace headlight
