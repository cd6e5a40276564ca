// Pieces and their ids, checked once when a tokenizer is loaded.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace headlight {

struct VocabularyEntry {
  std::string piece;
  std::int64_t id = 0;
};

/// Both directions of a vocabulary. Ids run from 0 without holes.
class Vocabulary {
 public:
  /// `added` are pieces that have an id but that words are not made of: the model never finds them.
  /// Throws, naming `source`, for no entry, an id out of range, used twice or left out, a piece
  /// given twice, and an added piece whose id belongs to another.
  Vocabulary(const std::vector<VocabularyEntry>& entries, const std::vector<VocabularyEntry>& added,
             std::string source);
  Vocabulary(const Vocabulary&) = delete;
  Vocabulary& operator=(const Vocabulary&) = delete;

  /// The id of a piece that words are made of.
  std::optional<std::int64_t> find(std::string_view piece) const;
  /// The same for one that must be there; `what` says why, e.g. "unk_token".
  std::int64_t require(std::string_view piece, std::string_view what) const;
  /// Throws for an id that there is not.
  const std::string& piece(std::int64_t id) const;
  std::int64_t size() const { return static_cast<std::int64_t>(pieces_.size()); }
  std::size_t longest_piece() const { return longest_; }  ///< in bytes, of those that are found
  const std::string& source() const { return source_; }

 private:
  void place(const VocabularyEntry& entry, std::vector<bool>& placed);

  std::string source_;
  std::vector<std::string> pieces_;                         // by id
  std::unordered_map<std::string_view, std::int64_t> ids_;  // views of pieces_
  std::size_t longest_ = 0;
};

}  // namespace headlight
