#include "model/tokenizer/word_level.h"

#include "core/error.h"

namespace headlight {

WordLevel::WordLevel(VocabularyPtr vocabulary, std::optional<std::int64_t> unknown)
    : vocabulary_(std::move(vocabulary)), unknown_(unknown) {}

void WordLevel::split(std::string_view word, std::vector<WordPart>& parts) const {
  const auto found = vocabulary_->find(word);
  check(found || unknown_, "tokenizer",
        "the word \"{}\" is not in the vocabulary of {}, which has no token for unknown words",
        printable(word), vocabulary_->source());
  parts.push_back({found ? *found : *unknown_, {0, static_cast<std::uint32_t>(word.size())}});
}

}  // namespace headlight
