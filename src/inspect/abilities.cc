#include "inspect/abilities.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/error.h"

namespace headlight {
namespace {

constexpr double kLeastLooks = 0.5, kLeastCost = 0.05;

}  // namespace

double RelationAbility::share(std::int64_t part, std::int64_t of) {
  return of > 0 ? static_cast<double>(part) / static_cast<double>(of) : 0;
}

std::size_t RelationAbility::best_head() const {
  return static_cast<std::size_t>(std::ranges::max_element(looks) - looks.begin());
}

double SetRemoval::cost(std::size_t replacement) const {
  return RelationAbility::share(right - right_without[replacement], asked);
}

double SetRemoval::random_cost(std::size_t replacement) const {
  const auto& sets = random_right[replacement];
  double sum = 0;
  for (const std::int64_t each : sets) sum += RelationAbility::share(right - each, asked);
  return sets.empty() ? 0 : sum / static_cast<double>(sets.size());
}

Cost cost_of(const RelationAbility& ability, const Removed& removed) {
  if (ability.asked == 0) return {0, {-1, 1}};
  const auto n = static_cast<double>(ability.asked);
  const auto lost = static_cast<double>(removed.lost);
  const auto gained = static_cast<double>(removed.right - ability.right + removed.lost);
  const double net = lost - gained;
  constexpr double z = 1.959963984540054;  // 97.5 % of a normal distribution lies below
  const double spread = z * std::sqrt(std::max(0.0, lost + gained - net * net / n)) / n;
  return {net / n, {net / n - spread, net / n + spread}};
}

std::vector<Role> roles_of(const Abilities& abilities) {
  std::vector<Role> roles;
  for (const RelationAbility& each : abilities.relations) {
    if (!each.removals()) continue;
    for (std::size_t head = 0; head < each.looks.size(); ++head) {
      double least = 1;
      bool certain = true;
      for (const auto& by_head : each.without) {
        const Cost cost = cost_of(each, by_head[head]);
        least = std::min(least, cost.share);
        certain &= cost.interval.low > 0;
      }
      if (!certain || least < kLeastCost || each.look_share(head) < kLeastLooks) continue;
      const auto index = static_cast<std::int64_t>(head);
      roles.push_back({index / abilities.n_heads, index % abilities.n_heads, each.language,
                       each.relation, each.look_share(head), each.offset_share(), least});
    }
  }
  std::ranges::stable_sort(
      roles, {}, [](const Role& role) { return std::tuple(role.layer, role.head, -role.cost); });
  return roles;
}

std::string_view partner_of(std::string_view relation) {
  constexpr std::pair<std::string_view, std::string_view> kPartners[] = {
      {"coreference", "the referent"},      {"attribute", "what is described"},
      {"subject-verb", "the subject"},      {"verb-object", "the object"},
      {"verb-place", "the place"},          {"negation", "what is negated"},
      {"tense", "the auxiliary"},           {"collocation", "the neighbour"},
      {"reference", "the earlier mention"}, {"indirect-object", "the earlier mention"}};
  const auto* const found =
      std::ranges::find(kPartners, relation, &std::pair<std::string_view, std::string_view>::first);
  return found == std::end(kPartners) ? "the related word" : found->second;
}

std::string text_of(const Role& role) {
  return fmt::format(
      "looks at {} in {:.0f} %, fixed offset {:.0f} %; removing it costs {:.0f} points",
      partner_of(role.relation), 100 * role.looks, 100 * role.fixed_offset, 100 * role.cost);
}

}  // namespace headlight
