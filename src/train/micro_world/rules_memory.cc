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

void fill_recall(Draw& draw, Plan& plan) {
  static constexpr Kind kNouns[] = {Kind::animal,  Kind::thing,   Kind::food,
                                    Kind::garment, Kind::vehicle, Kind::seat};
  const Kind kind = kNouns[draw.below(std::size(kNouns))];
  const Word& first = draw.pick(kind);
  const Word& second = draw.pick_other(kind, {first.text()});
  std::string_view of_first = draw.pick(Kind::free_adjective).text();
  std::string_view of_second = draw.pick_other(Kind::free_adjective, {of_first}).text();
  plan.key({first.text(), second.text(), of_first, of_second});
  if (draw.swapped) std::swap(of_first, of_second);
  const bool asks_first = draw.chance(50);
  const std::string_view asked = asks_first ? of_first : of_second;
  const std::string_view other = asks_first ? of_second : of_first;
  plan.set('S', first.text());
  plan.set('O', second.text());
  plan.set('a', of_first);
  plan.set('b', of_second);
  plan.set('s', asks_first ? first.text() : second.text());
  plan.set('o', asks_first ? second.text() : first.text());
  plan.set('A', asked);
  plan.set('B', other);
  plan.set('N', draw.pick(Kind::place));
  plan.set('P', draw.pick(Kind::person));
  plan.label(Relation::attribute, 'a', 'S');
  plan.label(Relation::attribute, 'b', 'O');
  plan.label(Relation::attribute, 'A', 's');
  plan.label(Relation::attribute, 'B', 'o');
  plan.label(Relation::reference, 's', asks_first ? 'S' : 'O');
  plan.label(Relation::reference, 'o', asks_first ? 'O' : 'S');
  const auto mask = [&](char slot, std::string_view answer, std::string_view decoy, int group) {
    plan.mask({.relation = Relation::attribute,
               .slot = slot,
               .answer = answer,
               .decoys = {decoy},
               .group = group});
  };
  mask('A', asked, other, 0);
  if (!plan.has('B')) return;
  // Both of a half are hidden at once: one alone would be the adjective that is left over.
  mask('B', other, asked, 0);
  mask('a', of_first, of_second, 1);
  mask('b', of_second, of_first, 1);
}

void fill_opposite(Draw& draw, Plan& plan) {
  const Word& first = draw.pick(Kind::thing);
  const Word& second = draw.pick_other(Kind::thing, {first.text()});
  const Word& of_first = draw.pick(Kind::antonyms);
  const Word& of_second = draw.pick_other(Kind::antonyms, {of_first.forms[0], of_first.forms[1]});
  const Word& emphasis = draw.pick(Kind::emphasis);
  const bool negates_first = draw.chance(50) != draw.swapped;
  const bool asks_first = draw.chance(50) || !plan.has('O');
  const Word& asked = asks_first ? of_first : of_second;
  const std::size_t answer = negates_first == asks_first ? 1 : 0;
  plan.set('S', first.text());
  plan.set('O', second.text());
  plan.set('A', of_first.text());
  plan.set('B', of_second.text());
  plan.set('n', emphasis.forms[negates_first ? 0 : 1]);
  plan.set('m', emphasis.forms[negates_first ? 1 : 0]);
  plan.set('s', asks_first ? first.text() : second.text());
  plan.set('C', asked.forms[answer]);
  plan.key({first.text(), second.text(), of_first.forms[0], of_first.forms[1], of_second.forms[0],
            of_second.forms[1]});
  if (negates_first)
    plan.label(Relation::negation, 'n', 'A');
  else
    plan.label(Relation::negation, 'm', 'B');
  plan.label(Relation::attribute, 'A', 'S');
  plan.label(Relation::attribute, 'B', 'O');
  plan.label(Relation::attribute, 'C', 's');
  plan.label(Relation::reference, 's', asks_first ? 'S' : 'O');
  plan.mask({.relation = Relation::negation,
             .slot = 'C',
             .answer = asked.forms[answer],
             .decoys = {asked.forms[1 - answer]}});
}

void fill_question(Draw& draw, Plan& plan) {
  const Word& first = draw.pick(Kind::animal);
  const Word& second = draw.pick_other(Kind::animal, {first.text()});
  const Word& first_place = draw.pick(Kind::surface);
  const Word& second_place = draw.pick_other(Kind::surface, {first_place.text()});
  const Word& verb = draw.pick(Kind::cross);
  const Word& negator = draw.pick(Kind::negator);
  const Word& perfective = draw.pick(Kind::perfective);
  const Word& answer = draw.pick(Kind::answer);
  const bool negates_first = draw.chance(50) != draw.swapped;
  const bool asks_first = draw.chance(50) || !plan.has('T');
  const auto set_clause = [&](bool negated, char before, char negation, char action, char aspect) {
    const bool has_past = !verb.forms[1].empty();
    plan.set(action, !negated && has_past ? verb.forms[1] : verb.text());
    if (negated) {
      plan.set(before, negator.forms[0]);
      plan.set(negation, negator.forms[1]);
      plan.label(Relation::negation, negation, action);
    } else {
      plan.set(aspect, perfective);
    }
  };
  maybe_soften(draw, plan, negates_first);
  set_clause(negates_first, 'm', 'n', 'V', 'l');
  set_clause(!negates_first, 'q', 'r', 'W', 'k');
  plan.set('S', first.text());
  plan.set('T', second.text());
  plan.set('O', first_place.text());
  plan.set('Q', second_place.text());
  plan.set('s', asks_first ? first.text() : second.text());
  plan.set('o', asks_first ? first_place.text() : second_place.text());
  plan.set('U', verb.text());
  const std::size_t said = negates_first == asks_first ? 1 : 0;
  plan.set('Y', answer.forms[said]);
  plan.key({first.text(), second.text(), first_place.text(), second_place.text()});
  for (const auto& [action, subject, object] :
       {std::array{'V', 'S', 'O'}, std::array{'W', 'T', 'Q'}, std::array{'U', 's', 'o'}}) {
    plan.label(Relation::subject_verb, action, subject);
    plan.label(Relation::verb_object, action, object);
  }
  plan.label(Relation::reference, 's', asks_first ? 'S' : 'T');
  plan.label(Relation::reference, 'o', asks_first ? 'O' : 'Q');
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

void fill_owner(Draw& draw, Plan& plan) {
  const auto [first, second] = two_names(draw);
  const Word& first_thing = draw.pick(Kind::gift);
  const Word& second_thing = draw.pick_other(Kind::gift, {first_thing.text()});
  const bool asks_first = draw.chance(50) != draw.swapped;
  const std::string_view owner = (asks_first ? first : second).text();
  const std::string_view thing = (asks_first ? first_thing : second_thing).text();
  plan.set('A', first);
  plan.set('B', second);
  plan.set('O', first_thing);
  plan.set('Q', second_thing);
  plan.set('s', owner);
  plan.set('x', thing);
  plan.set('V', draw.pick(Kind::buy));
  plan.set('W', draw.pick(Kind::buy));
  plan.set('U', draw.pick(Kind::use));
  const Word& filler = draw.pick(Kind::filler);
  if (draw.chance(60)) plan.set('F', filler);
  plan.key({first.text(), second.text(), first_thing.text(), second_thing.text()});
  const Word& other_use = draw.pick(Kind::use);
  plan.set('u', other_use);
  for (const auto& [action, subject, object] :
       {std::array{'V', 'A', 'O'}, std::array{'W', 'B', 'Q'}, std::array{'U', 's', 'x'},
        std::array{'u', 'r', 'y'}}) {
    plan.label(Relation::subject_verb, action, subject);
    plan.label(Relation::verb_object, action, object);
  }
  plan.label(Relation::reference, 's', asks_first ? 'A' : 'B');
  plan.label(Relation::reference, 'x', asks_first ? 'O' : 'Q');
  plan.label(Relation::reference, 'r', asks_first ? 'B' : 'A');
  plan.label(Relation::reference, 'y', asks_first ? 'Q' : 'O');
  const std::string_view other_owner = (asks_first ? second : first).text();
  const std::string_view other_thing = (asks_first ? second_thing : first_thing).text();
  plan.set('r', other_owner);
  plan.set('y', other_thing);
  const auto mask = [&](char slot, std::string_view answer, std::string_view decoy, int group) {
    plan.mask({.relation = Relation::reference,
               .slot = slot,
               .answer = answer,
               .decoys = {decoy},
               .group = group});
  };
  mask('x', thing, other_thing, 0);
  mask('y', other_thing, thing, 0);
  mask('s', owner, other_owner, 1);
  mask('r', other_owner, owner, 1);
}

}  // namespace headlight
