#include "inspect/abilities.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace headlight {
namespace {

/// One layer of two heads. Head 0 looks at the referent and is needed; head 1 looks there, too, and
/// is not.
Abilities two_heads() {
  Abilities out{.n_layers = 1, .n_heads = 2, .sentences = 100, .seed = 3};
  RelationAbility ability{.language = "en", .relation = "coreference"};
  ability.asked = 200;
  ability.right = 190;
  ability.pairs = 100;
  ability.looks = {93, 90};
  ability.offset = -3;
  ability.offset_hits = 24;
  ability.without = {{{{100, 92}, {189, 2}}, {{108, 84}, {190, 1}}, {{110, 82}, {192, 0}}}};
  out.relations.push_back(ability);
  SetRemoval set{.relation = "coreference", .layer = 0, .heads = {0}, .asked = 100, .right = 95};
  set.right_without = {45, 50, 55};
  set.random_right = {{{90, 94}, {95, 95}, {92, 96}}};
  out.sets.push_back(set);
  return out;
}

TEST(Abilities, SharesAndCosts) {
  const Abilities abilities = two_heads();
  const RelationAbility& each = abilities.relations.front();
  EXPECT_EQ(each.accuracy(), 0.95);
  EXPECT_EQ(each.best_head(), 0u);
  EXPECT_EQ(each.look_share(1), 0.9);
  EXPECT_EQ(each.offset_share(), 0.24);
  const Cost cost = cost_of(each, each.without[0][0]);
  EXPECT_EQ(cost.share, 0.45);
  // 92 lost, 2 gained: sqrt(94 - 90^2 / 200) / 200 = 0.03657.
  EXPECT_NEAR(cost.interval.low, 0.45 - 1.96 * 0.03657, 1e-4);
  EXPECT_NEAR(cost.interval.high, 0.45 + 1.96 * 0.03657, 1e-4);
  EXPECT_EQ(cost_of({}, {}).interval.low, -1);
  const SetRemoval& set = abilities.sets.front();
  EXPECT_DOUBLE_EQ(set.cost(0), 0.5);
  EXPECT_DOUBLE_EQ(set.random_cost(0), 0.03);
  EXPECT_EQ(set.random_cost(1), 0);
}

TEST(Abilities, OnlyACostMakesARole) {
  Abilities abilities = two_heads();
  const auto roles = roles_of(abilities);
  ASSERT_EQ(roles.size(), 1u) << "head 1 looks there in vain";
  EXPECT_EQ(roles[0].head, 0);
  EXPECT_EQ(roles[0].cost, 0.4) << "the least of the three";
  EXPECT_EQ(text_of(roles[0]),
            "looks at the referent in 93 %, fixed offset 24 %; removing it costs 40 points");
  abilities.relations[0].looks[0] = 49;
  EXPECT_TRUE(roles_of(abilities).empty()) << "it looks elsewhere";
  abilities = two_heads();
  abilities.relations[0].without[2][0] = {185, 30};
  EXPECT_TRUE(roles_of(abilities).empty()) << "one way of removing it costs too little";
  abilities = two_heads();
  for (auto& by_head : abilities.relations[0].without) by_head.clear();
  EXPECT_TRUE(roles_of(abilities).empty()) << "nothing was removed";
}

TEST(Abilities, ComeBackFromJson) {
  Abilities abilities = two_heads();
  const Json json = to_json(abilities);
  EXPECT_EQ(to_json(abilities_from_json(json, "again")), json);
  EXPECT_EQ(json["relations"][0]["without"]["mean"]["lost"][0], 84);
  for (auto& by_head : abilities.relations[0].without) by_head.clear();
  EXPECT_FALSE(abilities_from_json(to_json(abilities), "x").relations[0].removals());
}

TEST(Abilities, CountsThatDoNotFitAreRefused) {
  const auto refused = [](const std::string& pointer, const Json& value,
                          std::initializer_list<std::string_view> parts) {
    Json json = to_json(two_heads());
    json[Json::json_pointer(pointer)] = value;
    testing::expect_error([&] { abilities_from_json(json, "f.json"); }, parts);
  };
  refused("/n_heads", 3, {"f.json: relation 0", "looks", "2 entries for 3 heads"});
  refused("/n_heads", 1 << 20, {"n_heads"});
  refused("/seed", -1, {"seed"});
  refused("/relations", 7, {"relations", "array"});
  refused("/relations/0/right", 201, {"right", "0 to 200"});
  refused("/relations/0/looks/1", 101, {"looks", "0 to 100", "101"});
  refused("/relations/0/looks/1", 0.5, {"looks"});
  refused("/relations/0/without/zero/lost/1", 0, {"head 1", "0 lost"});
  refused("/relations/0/without/mean/right/0", 0, {"mean: head 0"});
  refused("/sets/0/layer", 1, {"set 0", "layer"});
  refused("/sets/0/heads/0", 2, {"heads"});
  refused("/sets/0/without/zero/random/0", 101, {"random"});
  Json json = to_json(two_heads());
  json["relations"][0]["without"].erase("resample");
  testing::expect_error([&] { abilities_from_json(json, "f"); }, {"resample", "missing"});
}

}  // namespace
}  // namespace headlight
