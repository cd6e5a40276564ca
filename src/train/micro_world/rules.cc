#include "train/micro_world/rules.h"

#include <algorithm>

namespace headlight {
namespace {

constexpr Rule kRules[] = {
    {"property", Relation::coreference, 4, fill_property},
    {"number", Relation::coreference, 2, fill_number},
    {"gender", Relation::coreference, 2, fill_gender},
    {"fit", Relation::attribute, 3, fill_fit},
    {"agreement", Relation::subject_verb, 2, fill_agreement},
    {"selection", Relation::subject_verb, 2, fill_selection},
    {"object", Relation::verb_object, 2, fill_object},
    {"place", Relation::verb_place, 2, fill_place},
    {"opposite", Relation::negation, 3, fill_opposite},
    {"question", Relation::negation, 2, fill_question},
    {"tense", Relation::tense, 2, fill_tense},
    {"event", Relation::collocation, 1, fill_event},
    {"action", Relation::collocation, 1, fill_action},
    {"receiver", Relation::indirect_object, 2, fill_receiver},
    {"errand", Relation::reference, 3, fill_errand},
};

}  // namespace

std::span<const Rule> micro_world_rules() {
  return kRules;
}

const Word& Draw::pick(Kind kind) {
  static constexpr Word kNone = {};
  const auto& list = word_lists(language)[static_cast<std::size_t>(kind)];
  return list.empty() ? kNone : list[below(list.size())];
}

const Word& Draw::pick_other(Kind kind, std::initializer_list<std::string_view> others) {
  for (;;) {
    const Word& word = pick(kind);
    if (std::ranges::find(others, word.text()) == others.end()) return word;
  }
}

void maybe_describe(Draw& draw, Plan& plan, char noun, char adjective, char linker) {
  const Word& word = draw.pick(Kind::free_adjective);
  if (!draw.chance(40)) return;
  plan.set(adjective, word);
  plan.set(linker, draw.pick(Kind::linker));
  plan.label(Relation::attribute, adjective, noun);
  plan.key({word.text()});
}

void maybe_soften(Draw& draw, Plan& plan, bool negated) {
  const Word& word = draw.pick(Kind::softener);
  if (draw.chance(40) && negated) plan.set('i', word);
}

void maybe_time(Draw& draw, Plan& plan) {
  const Word& word = draw.pick(Kind::time);
  if (draw.chance(35)) plan.set('t', word);
}

}  // namespace headlight
