// What an earlier part of the text has said, asked for again.
#include "train/micro_world/rules.h"

namespace headlight {
namespace {

/// Two different names.
std::pair<Word, Word> two_names(Draw& draw) {
  const Word& a = draw.pick(draw.chance(50) ? Kind::male_name : Kind::female_name);
  const Word& b =
      draw.pick_other(draw.chance(50) ? Kind::male_name : Kind::female_name, {a.text()});
  return {a, b};
}

}  // namespace

void fill_opposite(Draw& draw, Plan& plan) {
  const Word& first = draw.pick(Kind::thing);
  const Word& second = draw.pick_other(Kind::thing, {first.text()});
  const Word& adjective = draw.pick(Kind::antonyms);
  const Word& described = draw.pick(Kind::free_adjective);
  const Word& emphasis = draw.pick(Kind::emphasis);
  const bool negated = draw.chance(50) != draw.swapped;
  const std::size_t answer = negated ? 1 : 0;
  plan.set('S', first);
  plan.set('s', first);
  plan.set('O', second);
  plan.set('A', adjective);
  plan.set('b', described);
  plan.set('n', emphasis.forms[1 - answer]);
  plan.set('C', adjective.forms[answer]);
  plan.key({first.text(), adjective.forms[0], adjective.forms[1]});
  if (plan.has('O')) plan.key({second.text(), described.text()});
  if (negated) plan.label(Relation::negation, 'n', 'A');
  plan.label(Relation::attribute, 'A', 'S');
  plan.label(Relation::attribute, 'b', 'O');
  plan.label(Relation::attribute, 'C', 's');
  plan.label(Relation::reference, 's', 'S');
  plan.mask({.relation = Relation::negation,
             .slot = 'C',
             .answer = adjective.forms[answer],
             .decoys = {adjective.forms[1 - answer]}});
}

void fill_question(Draw& draw, Plan& plan) {
  const Word& subject = draw.pick(Kind::animal);
  const Word& other = draw.pick_other(Kind::animal, {subject.text()});
  const Word& surface = draw.pick(Kind::surface);
  const Word& verb = draw.pick(Kind::cross);
  const Word& negator = draw.pick(Kind::negator);
  const Word& answer = draw.pick(Kind::answer);
  const bool negated = draw.chance(50) != draw.swapped;
  const bool has_past = !verb.forms[1].empty();
  maybe_soften(draw, plan, negated);
  plan.set('V', !negated && has_past ? verb.forms[1] : verb.text());
  if (negated) {
    plan.set('m', negator.forms[0]);
    plan.set('n', negator.forms[1]);
    plan.label(Relation::negation, 'n', 'V');
  } else {
    plan.set('l', draw.pick(Kind::perfective));
  }
  plan.set('S', subject);
  plan.set('s', subject);
  plan.set('T', other);
  plan.set('N', draw.pick(Kind::place));
  plan.set('O', surface);
  plan.set('o', surface);
  plan.set('U', verb.text());
  const std::size_t said = negated ? 1 : 0;
  plan.set('Y', answer.forms[said]);
  plan.key({subject.text(), other.text(), surface.text()});
  for (const auto& [action, who, what] : {std::array{'V', 'S', 'O'}, std::array{'U', 's', 'o'}}) {
    plan.label(Relation::subject_verb, action, who);
    plan.label(Relation::verb_object, action, what);
  }
  plan.label(Relation::reference, 's', 'S');
  plan.label(Relation::reference, 'o', 'O');
  plan.mask({.relation = Relation::negation,
             .slot = 'Y',
             .answer = answer.forms[said],
             .decoys = {answer.forms[1 - said]}});
}

void fill_receiver(Draw& draw, Plan& plan) {
  const auto [first, second] = two_names(draw);
  const bool first_gives = draw.chance(50) != draw.swapped;
  const std::string_view giver = (first_gives ? first : second).text();
  const std::string_view receiver = (first_gives ? second : first).text();
  plan.set('A', first);
  plan.set('B', second);
  plan.set('s', giver);
  plan.set('r', receiver);
  plan.set('V', draw.pick(Kind::give));
  plan.set('O', draw.pick(Kind::gift));
  plan.set('N', draw.pick(Kind::place));
  maybe_time(draw, plan);
  plan.key({first.text(), second.text()});
  plan.label(Relation::indirect_object, 'r', first_gives ? 'B' : 'A');
  plan.label(Relation::reference, 's', first_gives ? 'A' : 'B');
  plan.label(Relation::subject_verb, 'V', 's');
  plan.label(Relation::verb_object, 'V', 'O');
  plan.mask(
      {.relation = Relation::indirect_object, .slot = 'r', .answer = receiver, .decoys = {giver}});
  plan.mask({.relation = Relation::reference,
             .slot = 's',
             .answer = giver,
             .decoys = {receiver},
             .group = 1});
}

}  // namespace headlight
