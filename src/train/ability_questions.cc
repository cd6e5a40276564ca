#include "train/ability_questions.h"

#include <algorithm>
#include <utility>

namespace headlight {
namespace {

Question question_of(std::size_t topic, Example example) {
  const auto asked =
      std::ranges::find_if(example.targets, [](std::int64_t t) { return t != kIgnoredTarget; });
  return {topic, std::move(example.ids), asked - example.targets.begin(), *asked};
}

}  // namespace

std::size_t topic_of(Language language, Relation relation) {
  return static_cast<std::size_t>(language) * std::size(kRelations) +
         static_cast<std::size_t>(relation);
}

Language language_of(std::size_t topic) {
  return kLanguages[topic / std::size(kRelations)];
}

Relation relation_of(std::size_t topic) {
  return kRelations[topic % std::size(kRelations)];
}

std::vector<Question> questions_of(const MicroWorldTokens& tokens, const MicroSentence& sentence) {
  std::vector<Question> out;
  for (const MaskedWord& asked : sentence.masks)
    out.push_back(
        question_of(topic_of(sentence.language, asked.relation), tokens.hidden(sentence, asked)));
  return out;
}

std::vector<Question> questions_of(const MicroWorldTokens& tokens, const MicroWorld& world,
                                   std::int64_t sentences) {
  std::vector<Question> out;
  for (std::int64_t i = 0; i < sentences; ++i)
    for (Question& question : questions_of(tokens, world.sentence(static_cast<std::uint64_t>(i))))
      out.push_back(std::move(question));
  return out;
}

std::vector<RelatedWords> related_words(const MicroSentence& sentence,
                                        const MicroWorldTokens::Encoded& encoded) {
  const auto word = [&](ByteRange bytes) {
    const auto at = static_cast<std::int64_t>(encoded.at(bytes));
    return TokenRange{at, at + 1};
  };
  std::vector<RelatedWords> out;
  for (const RelationLabel& label : sentence.relations)
    out.push_back({word(label.from), word(label.to), topic_of(sentence.language, label.relation)});
  return out;
}

}  // namespace headlight
