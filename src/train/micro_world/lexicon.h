// Words by what they can do in a sentence.
#pragma once

#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "train/micro_world.h"

namespace headlight {

/// What the members of a list have in common; the relations of a sentence rest on these alone.
enum class Kind {
  // Nouns, forms: singular, plural.
  animal,
  carrier,
  surface,
  height,
  thing,
  gift,
  food,
  drink,
  place,
  person,
  male,
  female,
  male_name,
  female_name,
  flyer,
  swimmer,
  runner,
  crawler,
  reading,
  vehicle,
  garment,
  instrument,
  opening,
  seat,
  bed,
  stage,
  // Adjectives. Those of animals fit no surface, and so on.
  free_adjective,
  animal_adjective,
  carrier_adjective,
  surface_adjective,
  height_adjective,
  thing_adjective,
  food_adjective,
  drink_adjective,
  person_adjective,
  antonyms,  ///< forms: a word and its opposite
  // Verbs that a pronoun's sentence is about, forms: base, past, participle.
  cross,
  climb,
  lift,
  eat,
  sip,
  // Verbs of other sentences, in the past only; rest: base.
  greet,
  buy,
  use,
  give,
  rest,
  // Verbs to be chosen, forms: past, present of one, present of many.
  fly,
  swim,
  run,
  crawl,
  eat_food,
  drink_drink,
  study,
  drive,
  wear,
  play,
  open,
  sit,
  sleep,
  stand,
  // Times, phrases.
  time,
  past_time,
  present_time,
  future_time,
  filler,
  event_collocation,
  action_collocation,  ///< forms: first word, its neighbour
  // Function words; a language that does without them has none.
  pronoun,
  male_pronoun,
  female_pronoun,
  determiner,  ///< forms: singular, plural
  copula,
  past_copula,
  perfect,
  seeming,   ///< forms: singular, plural
  negator,   ///< forms: what stands before the negating word, the negating word
  emphasis,  ///< forms: "not", and what stands in its place where nothing is negated
  softener,  ///< between a negating word and what it negates
  degree,    ///< forms: before the adjective, behind it
  past_auxiliary,
  present_auxiliary,
  future_auxiliary,
  perfective,
  linker,  ///< behind a verb that is not negated; between an adjective and its noun
  answer,  ///< forms: yes, no
  count,
};

/// A word or a short phrase, its words separated by spaces, in up to three forms; a form that there
/// is not is empty.
struct Word {
  std::array<std::string_view, 3> forms;

  std::string_view text() const { return forms[0]; }
};

using WordLists = std::array<std::vector<Word>, static_cast<std::size_t>(Kind::count)>;

/// One line of a lexicon: the words of a kind, separated by spaces, their forms by '/'; '_' stands
/// for a space in a phrase.
struct LexiconLine {
  Kind kind;
  std::string_view words;
};

std::span<const LexiconLine> english_lexicon();
std::span<const LexiconLine> chinese_lexicon();

/// The lists of a language.
const WordLists& word_lists(Language language);

}  // namespace headlight
