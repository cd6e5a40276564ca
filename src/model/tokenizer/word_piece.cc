#include "model/tokenizer/word_piece.h"

#include <algorithm>

#include "core/error.h"

namespace headlight {

WordPiece::WordPiece(VocabularyPtr vocabulary, WordPieceOptions options)
    : vocabulary_(std::move(vocabulary)), options_(std::move(options)) {
  unknown_ = vocabulary_->require(options_.unk_token, "unk_token");
}

void WordPiece::split(std::string_view word, std::vector<WordPart>& parts) const {
  const std::size_t before = parts.size();
  const auto length = static_cast<std::int64_t>(count_code_points(word));
  if (length <= options_.max_input_chars_per_word && split_known(word, parts)) return;
  parts.resize(before);
  parts.push_back({unknown_, {0, static_cast<std::uint32_t>(word.size())}});
}

bool WordPiece::split_known(std::string_view word, std::vector<WordPart>& parts) const {
  std::string piece;
  for (std::size_t begin = 0; begin < word.size();) {
    const std::string_view prefix =
        begin == 0 ? std::string_view() : options_.continuing_subword_prefix;
    if (prefix.size() >= vocabulary_->longest_piece()) return false;
    std::size_t length =
        std::min(word.size() - begin, vocabulary_->longest_piece() - prefix.size());
    piece.assign(prefix).append(word.substr(begin, length));
    std::optional<std::int64_t> id;
    // A cut inside a character finds nothing, since every piece is valid UTF-8.
    while (length > 0 && !(id = vocabulary_->find(piece))) {
      piece.pop_back();
      --length;
    }
    if (!id) return false;
    const auto at = static_cast<std::uint32_t>(begin);
    parts.push_back({*id, {at, at + static_cast<std::uint32_t>(length)}});
    begin += length;
  }
  return true;
}

}  // namespace headlight
