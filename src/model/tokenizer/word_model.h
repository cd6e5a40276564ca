// What a vocabulary makes of one word.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "model/tokenizer/aligned_text.h"
#include "model/tokenizer/vocabulary.h"

namespace headlight {

/// A piece of a word: its id and the bytes of the word it covers.
struct WordPart {
  std::int64_t id = 0;
  Span bytes;
};

class WordModel {
 public:
  virtual ~WordModel() = default;
  /// Appends the parts of `word`, valid UTF-8 and not empty, in order. Safe to call from threads.
  virtual void split(std::string_view word, std::vector<WordPart>& parts) const = 0;
};

using VocabularyPtr = std::shared_ptr<const Vocabulary>;

}  // namespace headlight
