#include "train/micro_world_tokens.h"

#include <algorithm>

#include "core/error.h"

namespace headlight {
namespace {

std::int64_t find_mask(const Tokenizer& tokenizer) {
  for (std::int64_t id = 0; id < tokenizer.vocab_size(); ++id)
    if (tokenizer.piece(id) == "[MASK]") return id;
  fail("micro-world",
       "the model's vocabulary has no [MASK]; only models that fill in can be asked");
}

}  // namespace

MicroWorldTokens::MicroWorldTokens(const Tokenizer& tokenizer)
    : tokenizer_(tokenizer), mask_id_(find_mask(tokenizer)) {
  for (const Language language : kLanguages)
    for (const std::string& word : micro_world_words(language)) {
      const auto tokens = tokenizer.encode(word, {.add_special = false});
      check(tokens.size() == 1, "micro-world",
            "\"{}\" of the lexicon is {} tokens of this model, not one", printable(word),
            tokens.size());
      ids_.emplace(word, tokens.front().id);
    }
}

std::size_t MicroWorldTokens::Encoded::at(ByteRange word) const {
  const auto found = std::ranges::find_if(tokens, [&](const Token& t) {
    return !t.special && t.begin == word.begin && t.end == word.end;
  });
  check(found != tokens.end(), "micro-world", "bytes [{}, {}) of a sentence are not one token",
        word.begin, word.end);
  return static_cast<std::size_t>(found - tokens.begin());
}

MicroWorldTokens::Encoded MicroWorldTokens::encode(const std::string& text) const {
  Encoded out{{}, tokenizer_.encode(text)};
  for (const Token& token : out.tokens) out.example.ids.push_back(token.id);
  out.example.targets.assign(out.tokens.size(), kIgnoredTarget);
  return out;
}

Example MicroWorldTokens::hidden(const MicroSentence& sentence, const MaskedWord& asked) const {
  Encoded encoded = encode(sentence.text);
  for (const MaskedWord& mask : sentence.masks)
    if (mask.group == asked.group && !mask.keep)
      encoded.example.ids[encoded.at(mask.word)] = mask_id_;
  encoded.example.targets[encoded.at(asked.word)] = id_of(asked.answer);
  return std::move(encoded.example);
}

std::int64_t MicroWorldTokens::id_of(std::string_view word) const {
  const auto found = ids_.find(word);
  check(found != ids_.end(), "micro-world", "\"{}\" is not a word of the lexicon", printable(word));
  return found->second;
}

}  // namespace headlight
