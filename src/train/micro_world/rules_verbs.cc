// What a verb takes its form or its choice from.
#include <array>

#include "train/micro_world/rules.h"

namespace headlight {
namespace {

/// Nouns that go with one verb of a set.
struct Class {
  Kind noun, verb;
};
constexpr Class kMovers[] = {{Kind::flyer, Kind::fly},
                             {Kind::swimmer, Kind::swim},
                             {Kind::runner, Kind::run},
                             {Kind::crawler, Kind::crawl}};
constexpr Class kObjects[] = {{Kind::food, Kind::eat_food}, {Kind::drink, Kind::drink_drink},
                              {Kind::reading, Kind::study}, {Kind::vehicle, Kind::drive},
                              {Kind::garment, Kind::wear},  {Kind::instrument, Kind::play},
                              {Kind::opening, Kind::open}};
constexpr Class kPlaces[] = {
    {Kind::seat, Kind::sit}, {Kind::bed, Kind::sleep}, {Kind::stage, Kind::stand}};

/// Two nouns of different classes: the one the verb goes with, and one that would want another.
struct Choice {
  Word noun, verb, other_noun, other_verb;
};

Choice choose(Draw& draw, std::span<const Class> classes) {
  const std::size_t first = draw.below(classes.size());
  const std::size_t second = (first + 1 + draw.below(classes.size() - 1)) % classes.size();
  const Word& a = draw.pick(classes[first].noun);
  const Word& b = draw.pick(classes[second].noun);
  const Word& verb_of_a = draw.pick(classes[first].verb);
  const Word& verb_of_b = draw.pick(classes[second].verb);
  return draw.swapped ? Choice{b, verb_of_b, a, verb_of_a} : Choice{a, verb_of_a, b, verb_of_b};
}

/// The form of `noun` for one or many, where it has two.
std::string_view in_number(const Word& noun, std::size_t plural) {
  return plural == 1 && !noun.forms[1].empty() ? noun.forms[1] : noun.text();
}

/// The verb: in the past, or with a word for the present, where it agrees with its subject.
void set_verb(Draw& draw, Plan& plan, Relation relation, char partner, const Choice& choice,
              std::size_t plural) {
  maybe_time(draw, plan);
  const Word& now = draw.pick(Kind::present_time);
  const bool present = draw.chance(50) && plan.has('t') && !choice.verb.forms[1].empty();
  const std::size_t form = present ? 1 + plural : 0;
  Plan::Mask mask{.relation = relation,
                  .slot = 'V',
                  .answer = choice.verb.forms[form],
                  .decoys = {choice.other_verb.forms[form]}};
  if (present) {
    plan.set('t', now);
    plan.label(Relation::tense, 't', 'V');
    mask.decoys.push_back(choice.verb.forms[2 - plural]);
    mask.decoys.push_back(choice.verb.forms[0]);
  }
  plan.set('V', mask.answer);
  plan.label(relation, 'V', partner);
  plan.mask(std::move(mask));
}

constexpr Kind kTimes[] = {Kind::past_time, Kind::present_time, Kind::future_time};
constexpr Kind kAuxiliaries[] = {Kind::past_auxiliary, Kind::present_auxiliary,
                                 Kind::future_auxiliary};

/// A time phrase, and the auxiliary that goes with it.
void set_tense(Draw& draw, Plan& plan, std::size_t tense, char time, char auxiliary) {
  Plan::Mask mask{.relation = Relation::tense, .slot = auxiliary};
  for (std::size_t i = 0; i < std::size(kAuxiliaries); ++i) {
    const std::string_view word = draw.pick(kAuxiliaries[i]).text();
    if (i == tense)
      mask.answer = word;
    else
      mask.decoys.push_back(word);
  }
  const Word times[] = {draw.pick(kTimes[0]), draw.pick(kTimes[1]), draw.pick(kTimes[2])};
  plan.set(time, times[tense]);
  plan.set(auxiliary, mask.answer);
  plan.label(Relation::tense, time, auxiliary);
  plan.mask(std::move(mask));
}

/// Both halves of a fixed pair, each to be known from the other.
void set_collocation(Draw& draw, Plan& plan, Kind kind) {
  const Word& one = draw.pick(kind);
  const Word& other = draw.pick_other(kind, {one.text()});
  const Word& here = draw.swapped ? other : one;
  const Word& elsewhere = draw.swapped ? one : other;
  plan.set('C', here.forms[0]);
  plan.set('D', here.forms[1]);
  plan.key({one.forms[1], other.forms[1]});
  plan.label(Relation::collocation, 'C', 'D');
  plan.mask({.relation = Relation::collocation,
             .slot = 'C',
             .answer = here.forms[0],
             .decoys = {elsewhere.forms[0]}});
  plan.mask({.relation = Relation::collocation,
             .slot = 'D',
             .answer = here.forms[1],
             .decoys = {elsewhere.forms[1]},
             .group = 1});
}

}  // namespace

void fill_agreement(Draw& draw, Plan& plan) {
  const Word& subject = draw.pick(Kind::animal);
  const Word& other = draw.pick_other(Kind::animal, {subject.text()});
  const Word& adjective = draw.pick(Kind::animal_adjective);
  const std::size_t plural = draw.below(2) ^ (draw.swapped ? 1u : 0u);
  plan.set('S', subject.forms[plural]);
  plan.set('O', other.forms[1 - plural]);
  plan.set('A', adjective);
  plan.set('N', draw.pick(Kind::place));
  maybe_describe(draw, plan, 'S', 'a', 'g');
  maybe_describe(draw, plan, 'O', 'b', 'h');
  plan.set('F', draw.pick(Kind::food).forms[1]);
  plan.key({subject.text(), other.text(), adjective.text()});
  plan.label(Relation::attribute, 'A', 'S');
  for (const auto& [slot, kind] : {std::pair{'B', Kind::copula}, std::pair{'H', Kind::perfect}}) {
    const Word& verb = draw.pick(kind);
    plan.set(slot, verb.forms[plural]);
    plan.label(Relation::subject_verb, slot, 'S');
    plan.mask({.relation = Relation::subject_verb,
               .slot = slot,
               .answer = verb.forms[plural],
               .decoys = {verb.forms[1 - plural]}});
  }
}

void fill_selection(Draw& draw, Plan& plan) {
  const Choice choice = choose(draw, kMovers);
  const std::size_t plural = draw.below(2);
  plan.set('S', in_number(choice.noun, plural));
  plan.set('O', in_number(choice.other_noun, 1 - plural));
  plan.key({choice.noun.text(), choice.other_noun.text()});
  maybe_describe(draw, plan, 'S', 'a', 'g');
  plan.set('N', draw.pick(Kind::place));
  set_verb(draw, plan, Relation::subject_verb, 'S', choice, plural);
}

void fill_object(Draw& draw, Plan& plan) {
  const Choice choice = choose(draw, kObjects);
  const Word& person = draw.pick(Kind::person);
  const std::size_t plural = draw.below(2);
  plan.set('S', in_number(person, plural));
  plan.set('O', choice.noun);
  plan.set('C', choice.other_noun);
  plan.key({person.text(), choice.noun.text(), choice.other_noun.text()});
  maybe_describe(draw, plan, 'O', 'b', 'h');
  plan.set('N', draw.pick(Kind::place));
  plan.label(Relation::subject_verb, 'V', 'S');
  set_verb(draw, plan, Relation::verb_object, 'O', choice, plural);
}

void fill_errand(Draw& draw, Plan& plan) {
  const Choice choice = choose(draw, kObjects);
  const auto name = [&] { return draw.chance(50) ? Kind::male_name : Kind::female_name; };
  const Word& owner = draw.pick(name());
  const Word& nobody = draw.pick_other(name(), {owner.text()});
  const bool first = draw.chance(50) != draw.swapped;  // both of a pair list things in one order
  plan.set('A', owner);
  plan.set('s', owner);
  plan.set('O', first ? choice.noun : choice.other_noun);
  plan.set('Q', first ? choice.other_noun : choice.noun);
  plan.set('x', choice.noun);
  plan.set('V', draw.pick(Kind::buy));
  plan.set('W', choice.verb);
  plan.set('U', draw.pick(Kind::use));
  plan.set('P', draw.pick(Kind::person));
  plan.set('N', draw.pick(Kind::place));
  const Word& filler = draw.pick(Kind::filler);
  if (draw.chance(60)) plan.set('F', filler);
  plan.key({owner.text(), choice.noun.text(), choice.other_noun.text()});
  for (const auto& [verb, subject, object] :
       {std::array{'V', 'A', 'O'}, std::array{'U', 'P', 'Q'}, std::array{'W', 's', 'x'}}) {
    plan.label(Relation::subject_verb, verb, subject);
    plan.label(Relation::verb_object, verb, object);
  }
  plan.label(Relation::reference, 's', 'A');
  plan.label(Relation::reference, 'x', first ? 'O' : 'Q');
  plan.mask({.relation = Relation::reference,
             .slot = 'x',
             .answer = choice.noun.text(),
             .decoys = {choice.other_noun.text()}});
  plan.mask({.relation = Relation::reference,
             .slot = 's',
             .answer = owner.text(),
             .decoys = {nobody.text()},
             .group = 1});
}

void fill_place(Draw& draw, Plan& plan) {
  const Choice choice = choose(draw, kPlaces);
  const Word& subject = draw.pick(draw.chance(60) ? Kind::animal : Kind::person);
  const std::size_t plural = draw.below(2);
  plan.set('S', in_number(subject, plural));
  plan.set('O', choice.noun);
  plan.set('C', choice.other_noun);
  plan.key({subject.text(), choice.noun.text(), choice.other_noun.text()});
  maybe_describe(draw, plan, 'S', 'a', 'g');
  maybe_describe(draw, plan, 'O', 'b', 'h');
  plan.label(Relation::subject_verb, 'V', 'S');
  set_verb(draw, plan, Relation::verb_place, 'O', choice, plural);
}

void fill_tense(Draw& draw, Plan& plan) {
  const Word& subject = draw.pick(Kind::person);
  const Word& other = draw.pick_other(Kind::person, {subject.text()});
  const Word& verb = draw.pick(Kind::rest);
  const Word& other_verb = draw.pick_other(Kind::rest, {verb.text()});
  std::size_t tense = draw.below(3), other_tense = (tense + 1 + draw.below(2)) % 3;
  if (draw.swapped) std::swap(tense, other_tense);
  plan.set('S', subject);
  plan.set('T', other);
  plan.set('V', verb);
  plan.set('W', other_verb);
  plan.set('N', draw.pick(Kind::place));
  const Word& emphasis = draw.pick(Kind::emphasis);
  plan.set('n', emphasis);
  plan.set('r', emphasis);
  plan.key({subject.text(), other.text(), verb.text(), other_verb.text()});
  set_tense(draw, plan, tense, 't', 'X');
  set_tense(draw, plan, other_tense, 'u', 'Y');
  plan.label(Relation::negation, 'n', 'V');
  plan.label(Relation::negation, 'r', 'W');
  plan.label(Relation::subject_verb, 'V', 'S');
  plan.label(Relation::subject_verb, 'W', 'T');
}

void fill_event(Draw& draw, Plan& plan) {
  const Word& place = draw.pick(Kind::place);
  plan.set('N', place);
  plan.key({place.text()});
  plan.set('S', draw.pick(Kind::person));
  maybe_time(draw, plan);
  set_collocation(draw, plan, Kind::event_collocation);
}

void fill_action(Draw& draw, Plan& plan) {
  const Word& subject = draw.pick(Kind::person);
  plan.set('S', subject);
  plan.key({subject.text()});
  plan.set('N', draw.pick(Kind::place));
  maybe_time(draw, plan);
  set_collocation(draw, plan, Kind::action_collocation);
  plan.label(Relation::subject_verb, 'C', 'S');
  plan.label(Relation::verb_object, 'C', 'D');
}

}  // namespace headlight
