// WordLevel: a word is in the vocabulary or unknown.
#pragma once

#include <optional>

#include "model/tokenizer/word_model.h"

namespace headlight {

class WordLevel final : public WordModel {
 public:
  /// Without `unknown`, a word that is not in the vocabulary throws.
  WordLevel(VocabularyPtr vocabulary, std::optional<std::int64_t> unknown);
  void split(std::string_view word, std::vector<WordPart>& parts) const override;

 private:
  VocabularyPtr vocabulary_;
  std::optional<std::int64_t> unknown_;
};

}  // namespace headlight
