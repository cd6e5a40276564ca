// Byte-pair encoding: neighbours are merged, the earliest rule of the list first (Sennrich et al.
// 2016, section 3.2).
#pragma once

#include <array>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "model/tokenizer/word_model.h"

namespace headlight {

struct BpeOptions {
  std::optional<std::string> unk_token = std::nullopt;
  std::string continuing_subword_prefix = {};  ///< of every character but a word's first
  std::string end_of_word_suffix = {};         ///< of a word's last character
  bool fuse_unk = false;                       ///< neighbouring unknown characters: one token
  bool byte_fallback = false;                  ///< an unknown character as <0xE2> <0x82> <0xAC>
  bool ignore_merges = false;                  ///< a word of the vocabulary needs no merges
};

/// One rule. Of the merges that are possible in a word, the one of the lowest rank comes first, and
/// of equal ranks the leftmost.
struct BpeMerge {
  std::string left;
  std::string right;
  std::uint32_t rank = 0;
};
/// "left right", as merges are written down, in order of rank; nothing when there is not exactly
/// one space.
std::optional<BpeMerge> parse_merge(std::string_view line, std::size_t rank);

class Bpe final : public WordModel {
 public:
  /// Throws for a merge of pieces, or into a piece, that the vocabulary lacks; for one given
  /// twice; and for an unk_token that it lacks.
  Bpe(VocabularyPtr vocabulary, const std::vector<BpeMerge>& merges, BpeOptions options);
  /// n characters take O(n log n). A character without id, byte fallback or unk_token is dropped,
  /// as Hugging Face's tokenizers do.
  void split(std::string_view word, std::vector<WordPart>& parts) const override;

 private:
  struct Merge {
    std::uint32_t rank = 0;
    std::int64_t id = 0;
  };
  /// A part of the word, linked to its neighbours; merging a pair empties its right half.
  struct Symbol {
    std::int64_t id = 0;
    Span bytes;
    std::int32_t previous = -1;
    std::int32_t next = -1;
    bool alive = true;
  };
  struct Candidate;

  void add_merge(const BpeMerge& merge);
  const Merge* find_merge(std::int64_t left, std::int64_t right) const;
  std::vector<Symbol> symbols_of(std::string_view word) const;
  void add_unknown(std::string_view character, Span bytes, std::vector<Symbol>& symbols) const;
  void merge_all(std::vector<Symbol>& symbols) const;

  VocabularyPtr vocabulary_;
  BpeOptions options_;
  std::optional<std::int64_t> unknown_;
  std::array<std::optional<std::int64_t>, 256> byte_ids_;  // of <0x00> ... with byte_fallback
  std::unordered_map<std::uint64_t, Merge> merges_;        // by left id, right id
};

}  // namespace headlight
