// The rules that make sentences: what fills a shape's slots, and what is then known.
#pragma once

#include <span>
#include <string_view>

#include "train/micro_world/lexicon.h"
#include "train/micro_world/plan.h"
#include "train/micro_world/random.h"

namespace headlight {

/// What a rule draws from. Both sentences of a minimal pair draw the same; only `swapped` differs,
/// and no draw may depend on it.
struct Draw {
  SplitMix random;
  Language language;
  bool swapped;

  std::size_t below(std::size_t n) { return random.below(n); }
  bool chance(std::size_t percent) { return random.chance(percent); }
  /// A word of a kind; an empty one where the language has none.
  const Word& pick(Kind kind);
  /// A word of a kind whose first form is none of these.
  const Word& pick_other(Kind kind, std::initializer_list<std::string_view> others);
};

struct Rule {
  std::string_view name;
  Relation relation;  ///< what its first mask rests on
  int weight;         ///< how often it is chosen, against the others of a language
  void (*fill)(Draw& draw, Plan& plan);
};

/// All rules. A language that has no shape for a rule does without it.
std::span<const Rule> micro_world_rules();

/// One line of a grammar: a shape of a rule's sentences.
struct GrammarLine {
  std::string_view rule;
  std::string_view shape;
};
std::span<const GrammarLine> english_grammar();
std::span<const GrammarLine> chinese_grammar();

// Coreference (rules_coreference.cc).
void fill_property(Draw& draw, Plan& plan);
void fill_number(Draw& draw, Plan& plan);
void fill_gender(Draw& draw, Plan& plan);
// Which of two adjectives fits a noun (rules_coreference.cc).
void fill_fit(Draw& draw, Plan& plan);
// What a verb needs (rules_verbs.cc).
void fill_agreement(Draw& draw, Plan& plan);
void fill_selection(Draw& draw, Plan& plan);
void fill_object(Draw& draw, Plan& plan);
void fill_errand(Draw& draw, Plan& plan);
void fill_place(Draw& draw, Plan& plan);
void fill_tense(Draw& draw, Plan& plan);
void fill_event(Draw& draw, Plan& plan);
void fill_action(Draw& draw, Plan& plan);
// What was said before (rules_memory.cc).
void fill_opposite(Draw& draw, Plan& plan);
void fill_question(Draw& draw, Plan& plan);
void fill_receiver(Draw& draw, Plan& plan);

// Parts that several rules share (rules.cc).

/// Gives the noun in slot `noun` an adjective in some sentences, with what links the two.
void maybe_describe(Draw& draw, Plan& plan, char noun, char adjective, char linker);
/// In slot i of some sentences, a word between the negating word and what it negates.
void maybe_soften(Draw& draw, Plan& plan, bool negated);
/// A time or place phrase in slot t of some sentences.
void maybe_time(Draw& draw, Plan& plan);

}  // namespace headlight
