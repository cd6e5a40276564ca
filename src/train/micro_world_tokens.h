// Sentences of the micro-world as a model's tokens: one for each word.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "model/tokenizer.h"
#include "train/batch.h"
#include "train/micro_world.h"

namespace headlight {

class MicroWorldTokens {
 public:
  /// Throws when a word of the lexicon is not one token, or there is no [MASK].
  explicit MicroWorldTokens(const Tokenizer& tokenizer);

  /// A sentence's tokens, nothing asked yet.
  struct Encoded {
    Example example;
    std::vector<Token> tokens;

    /// The token of a word. Throws when it is not one token.
    std::size_t at(ByteRange word) const;
  };
  Encoded encode(const std::string& text) const;
  /// The sentence without the words that are masked together with `asked`, which alone is asked.
  Example hidden(const MicroSentence& sentence, const MaskedWord& asked) const;

  std::int64_t mask_id() const { return mask_id_; }
  /// The token of a word of the lexicon.
  std::int64_t id_of(std::string_view word) const;

 private:
  const Tokenizer& tokenizer_;
  std::int64_t mask_id_;
  std::map<std::string, std::int64_t, std::less<>> ids_;
};

}  // namespace headlight
