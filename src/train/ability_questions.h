// Sentences of the micro-world as questions to a model, sorted by what they are about.
#pragma once

#include <cstdint>
#include <vector>

#include "inspect/relation_scores.h"
#include "train/micro_world.h"
#include "train/micro_world_tokens.h"

namespace headlight {

/// A relation in a language, as a number below kTopics.
inline constexpr std::size_t kTopics = std::size(kLanguages) * std::size(kRelations);
std::size_t topic_of(Language language, Relation relation);
Language language_of(std::size_t topic);
Relation relation_of(std::size_t topic);

/// One hidden word.
struct Question {
  std::size_t topic = 0;
  std::vector<std::int64_t> ids;
  std::int64_t at = 0, answer = 0;  ///< the position asked, and the token that belongs there
};

/// The words of each mask of a sentence, asked one at a time.
std::vector<Question> questions_of(const MicroWorldTokens& tokens, const MicroSentence& sentence);
/// Those of the first sentences of a world.
std::vector<Question> questions_of(const MicroWorldTokens& tokens, const MicroWorld& world,
                                   std::int64_t sentences);

/// The labels of a sentence as tokens; the topic is their relation.
std::vector<RelatedWords> related_words(const MicroSentence& sentence,
                                        const MicroWorldTokens::Encoded& encoded);

}  // namespace headlight
