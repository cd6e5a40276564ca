// Which of two nouns a pronoun stands for, and which of two adjectives fits a noun.
#include <array>

#include "train/micro_world/rules.h"

namespace headlight {
namespace {

/// Two kinds of nouns, a verb between them, and the adjectives that fit the one and not the other.
struct Frame {
  Kind subject, subject_adjective, object, object_adjective, verb;
};
constexpr Frame kFrames[] = {
    {Kind::animal, Kind::animal_adjective, Kind::surface, Kind::surface_adjective, Kind::cross},
    {Kind::animal, Kind::animal_adjective, Kind::height, Kind::height_adjective, Kind::climb},
    {Kind::carrier, Kind::carrier_adjective, Kind::thing, Kind::thing_adjective, Kind::lift},
    {Kind::animal, Kind::animal_adjective, Kind::food, Kind::food_adjective, Kind::eat},
    {Kind::animal, Kind::animal_adjective, Kind::drink, Kind::drink_adjective, Kind::sip},
};
constexpr std::size_t kFramesWithPlural = 4;  // drinks have none

/// A noun of a sentence; `plural` is 0 or 1, the form of everything that agrees with it.
struct Noun {
  Word word;
  std::size_t plural;

  /// The noun in its number. Languages without plural forms show it at the determiner.
  std::string_view text() const {
    return plural == 1 && !word.forms[1].empty() ? word.forms[1] : word.text();
  }
};

/// A determiner where the language needs or may have one.
void set_determiner(Draw& draw, Plan& plan, char slot, const Noun& noun) {
  const Word& word = draw.pick(Kind::determiner);
  if (draw.chance(50) || noun.plural == 1) plan.set(slot, word.forms[noun.plural]);
}

/// The verb, negated in half of the sentences, and to be known from its object.
void set_action(Draw& draw, Plan& plan, Kind kind) {
  const Word& verb = draw.pick(kind);
  const Word& other = draw.pick(kind == Kind::eat ? Kind::lift : Kind::eat);
  const Word& negator = draw.pick(Kind::negator);
  const bool negated = draw.chance(50), inflected = !verb.forms[1].empty();
  const std::size_t form = !inflected ? 0 : plan.has('w') ? 2 : negated ? 0 : 1;
  plan.set('V', verb.forms[form]);
  plan.mask({.relation = Relation::verb_object,
             .slot = 'V',
             .answer = verb.forms[form],
             .decoys = {other.forms[form]},
             .group = 1});
  if (negated) {
    plan.set('m', negator.forms[0]);
    plan.set('n', negator.forms[1]);
    plan.set('q', draw.pick(Kind::emphasis));
  } else {
    plan.set('L', draw.pick(Kind::perfective));
    if (draw.chance(70)) plan.set('l', draw.pick(Kind::perfective));
  }
  maybe_soften(draw, plan, negated);
  plan.label(Relation::negation, 'n', 'V');
  plan.label(Relation::negation, 'q', 'V');
}

void set_degree(Draw& draw, Plan& plan) {
  const Word& degree = draw.pick(Kind::degree);
  plan.set('d', degree.forms[0]);
  plan.set('k', degree.forms[1]);
}

/// Everything but what refers back.
void set_clause(Draw& draw, Plan& plan, const Frame& frame, const Noun& subject,
                const Noun& object) {
  plan.set('S', subject.text());
  plan.set('O', object.text());
  plan.set('w', draw.pick(Kind::past_copula).forms[object.plural]);
  set_determiner(draw, plan, 'e', subject);
  set_determiner(draw, plan, 'f', object);
  set_action(draw, plan, frame.verb);
  plan.key({subject.word.text(), object.word.text()});
  maybe_describe(draw, plan, 'S', 'a', 'g');
  maybe_describe(draw, plan, 'O', 'b', 'h');
  maybe_time(draw, plan);
  plan.set('N', draw.pick(Kind::place));
  plan.label(Relation::subject_verb, 'V', 'S');
  plan.label(Relation::verb_object, 'V', 'O');
}

/// The adjective that tells the two nouns apart, and the pronoun's noun with it.
Noun set_reason(Draw& draw, Plan& plan, const Frame& frame, const Noun& subject,
                const Noun& object) {
  const Word& of_subject = draw.pick(frame.subject_adjective);
  const Word& of_object = draw.pick(frame.object_adjective);
  plan.key({of_subject.text(), of_object.text()});
  set_degree(draw, plan);
  plan.set('A', draw.swapped ? of_object : of_subject);
  plan.label(Relation::coreference, 'P', draw.swapped ? 'O' : 'S');
  plan.label(Relation::attribute, 'A', 'P');
  return draw.swapped ? object : subject;
}

}  // namespace

void fill_property(Draw& draw, Plan& plan) {
  const Frame& frame = kFrames[draw.below(std::size(kFrames))];
  const std::size_t plural = draw.chance(25) && frame.object != Kind::drink ? 1 : 0;
  const Noun subject{draw.pick(frame.subject), plural};
  const Noun object{draw.pick_other(frame.object, {subject.word.text()}), plural};
  set_clause(draw, plan, frame, subject, object);
  const Noun referent = set_reason(draw, plan, frame, subject, object);
  plan.set('P', draw.pick(Kind::pronoun).forms[plural]);
  plan.set('B', draw.pick(Kind::past_copula).forms[plural]);
  plan.mask(
      {.relation = Relation::coreference, .slot = 'P', .answer = referent.text(), .keep = true});
}

void fill_number(Draw& draw, Plan& plan) {
  const Frame& frame = kFrames[draw.below(kFramesWithPlural)];
  const std::size_t plural = draw.below(2);
  const Noun subject{draw.pick(frame.subject), plural};
  const Noun object{draw.pick_other(frame.object, {subject.word.text()}), 1 - plural};
  set_clause(draw, plan, frame, subject, object);
  const Noun referent = set_reason(draw, plan, frame, subject, object);
  const Word& pronoun = draw.pick(Kind::pronoun);
  plan.set('P', pronoun.forms[referent.plural]);
  plan.set('B', draw.pick(Kind::seeming));  // agrees with both numbers
  plan.mask({.relation = Relation::coreference,
             .slot = 'P',
             .answer = pronoun.forms[referent.plural],
             .decoys = {pronoun.forms[1 - referent.plural]}});
}

void fill_gender(Draw& draw, Plan& plan) {
  const bool named = draw.chance(40);
  const Word& he = draw.pick(named ? Kind::male_name : Kind::male);
  const Word& she = draw.pick(named ? Kind::female_name : Kind::female);
  const bool he_acts = draw.chance(50), he_is_meant = he_acts != draw.swapped;
  const Word& adjective = draw.pick(Kind::person_adjective);
  plan.set('S', he_acts ? he : she);
  plan.set('O', he_acts ? she : he);
  const Word& determiner = draw.pick(Kind::determiner);
  if (!named) plan.set('e', determiner);
  if (!named) plan.set('f', determiner);
  plan.set('V', draw.pick(Kind::greet));
  plan.set('P', draw.pick(he_is_meant ? Kind::male_pronoun : Kind::female_pronoun));
  plan.set('A', adjective);
  set_degree(draw, plan);
  maybe_time(draw, plan);
  plan.set('N', draw.pick(Kind::place));
  plan.key({he.text(), she.text(), adjective.text()});
  plan.label(Relation::coreference, 'P', draw.swapped ? 'O' : 'S');
  plan.label(Relation::attribute, 'A', 'P');
  plan.label(Relation::subject_verb, 'V', 'S');
  plan.label(Relation::verb_object, 'V', 'O');
  plan.mask({.relation = Relation::coreference,
             .slot = 'P',
             .answer = he_is_meant ? he.text() : she.text(),
             .keep = true});
}

void fill_fit(Draw& draw, Plan& plan) {
  const Frame& frame = kFrames[draw.below(std::size(kFrames))];
  const std::array nouns = {draw.pick(frame.subject).text(), draw.pick(frame.object).text()};
  const std::array adjectives = {draw.pick(frame.subject_adjective).text(),
                                 draw.pick(frame.object_adjective).text()};
  const std::size_t told_first = draw.below(2);
  const std::size_t here = draw.below(2) ^ (draw.swapped ? 1u : 0u);
  plan.set('p', adjectives[told_first]);
  plan.set('q', adjectives[1 - told_first]);
  plan.set('S', nouns[here]);
  plan.set('A', adjectives[here]);
  plan.set('P', draw.pick(Kind::person));
  plan.set('N', draw.pick(Kind::place));
  maybe_time(draw, plan);
  plan.key({nouns[0], nouns[1], adjectives[0], adjectives[1]});
  plan.label(Relation::attribute, 'A', 'S');
  plan.mask({.relation = Relation::attribute,
             .slot = 'A',
             .answer = adjectives[here],
             .decoys = {adjectives[1 - here]}});
}

}  // namespace headlight
