// What a model knows of labelled relations and what its heads have to do with it: counts, as
// abilities.json keeps them, and what may be said of a head because of them.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "inspect/ablation.h"
#include "inspect/relation_scores.h"
#include "io/json.h"

namespace headlight {

/// The three ways of removing a head, in the order of the arrays below.
inline constexpr std::array kReplacements = {Replacement::zero, Replacement::mean,
                                             Replacement::resample};

/// The same questions asked with something removed.
struct Removed {
  std::int64_t right = 0;
  std::int64_t lost = 0;  ///< right before, not any more
};

/// One relation in one language. Heads are numbered layer * n_heads + head.
struct RelationAbility {
  std::string language, relation;
  std::int64_t asked = 0, right = 0;  ///< hidden words, and how many the model names
  std::int64_t pairs = 0;             ///< labelled pairs of words
  std::vector<std::int64_t> looks =
      {};  ///< by head: pairs whose second word is its strongest target
  /// The same for the best fixed offset (RelationScore::best_offset).
  std::int64_t offset = 0, offset_hits = 0;
  /// By replacement and head; empty when no removal was measured.
  std::array<std::vector<Removed>, kReplacements.size()> without = {};

  double accuracy() const { return share(right, asked); }
  double look_share(std::size_t head) const { return share(looks[head], pairs); }
  double offset_share() const { return share(offset_hits, pairs); }
  bool removals() const { return !without.front().empty(); }
  /// The head whose strongest target is the related word most often.
  std::size_t best_head() const;

  /// 0 of nothing.
  static double share(std::int64_t part, std::int64_t of);
};

/// Heads of one layer removed together, beside random sets of equally many of the other heads.
struct SetRemoval {
  std::string relation;  ///< in all languages
  std::int64_t layer = 0;
  std::vector<std::int64_t> heads = {};
  std::int64_t asked = 0, right = 0;
  std::array<std::int64_t, kReplacements.size()> right_without = {};
  std::array<std::vector<std::int64_t>, kReplacements.size()> random_right = {};  ///< by random set

  /// What removing the set costs, and the mean over the random sets: shares of the questions.
  double cost(std::size_t replacement) const;
  double random_cost(std::size_t replacement) const;
};

struct Abilities {
  std::int64_t n_layers = 0, n_heads = 0;
  std::int64_t sentences = 0;  ///< how many were asked about, of all relations
  std::uint64_t seed = 0;
  std::vector<RelationAbility> relations = {};
  std::vector<SetRemoval> sets = {};
};

Json to_json(const Abilities& abilities);
/// Throws, naming `source` and the field, unless all counts fit each other.
Abilities abilities_from_json(const Json& json, std::string_view source);

/// What the questions lose, net, as a share of them.
struct Cost {
  double share = 0;
  Interval interval;  ///< 95 %, for paired answers (Agresti 2013, Categorical Data Analysis, 11.1)
};
Cost cost_of(const RelationAbility& ability, const Removed& removed);

/// What a head may be said to do.
struct Role {
  std::int64_t layer = 0, head = 0;
  std::string language, relation;
  double looks = 0, fixed_offset = 0;  ///< shares of the pairs
  double cost = 0;  ///< the least of the three removals', a share of the questions
};

/// The roles that the counts support, head by head, costliest first: the head's strongest target is
/// the related word in at least half of the pairs, and each way of removing it costs at least 5
/// points, with an interval above 0. A habit that can be removed at no cost is no role.
std::vector<Role> roles_of(const Abilities& abilities);

/// What a relation leads to, for people: "the referent".
std::string_view partner_of(std::string_view relation);

/// "looks at the referent in 93 %, fixed offset 24 %; removing it costs 41 points"
std::string text_of(const Role& role);

}  // namespace headlight
