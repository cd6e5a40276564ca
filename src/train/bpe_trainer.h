// Learning a byte-pair encoding: the most frequent pair of neighbours becomes one piece, again and
// again (Sennrich et al. 2016, algorithm 1).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace headlight {

/// A word as the pre-tokenizer leaves it, and how often it was seen.
struct WordCount {
  std::string word;
  std::uint64_t count = 0;
};

struct BpeTrainerOptions {
  std::size_t vocab_size = 0;             ///< pieces in all, those of `initial` included
  std::vector<std::string> initial = {};  ///< pieces that come first, whatever the words are
  std::string continuing_prefix = {};     ///< of every piece but a word's first, e.g. "##"
  std::uint64_t least_count = 2;          ///< a pair seen less often is not merged
};

struct BpeVocabulary {
  std::vector<std::string> pieces;                          ///< by id
  std::vector<std::pair<std::string, std::string>> merges;  ///< in order of rank
};

/// Pieces are `initial`, then the words' characters in order of code point, then what the merges
/// make. Of pairs equally frequent, the one of the smaller ids is merged first, as Hugging Face's
/// BpeTrainer does, so that the result depends on the words alone. Fewer pieces come out when there
/// is nothing left to merge. Throws when vocab_size cannot hold the characters, and for words that
/// are not UTF-8.
BpeVocabulary train_bpe(std::span<const WordCount> words, const BpeTrainerOptions& options);

}  // namespace headlight
