#include "app/ability_text.h"

#include <algorithm>
#include <vector>

#include "core/error.h"

namespace headlight::app {
namespace {

/// "2.1"
std::string head_name(const Abilities& abilities, std::size_t number) {
  const auto head = static_cast<std::int64_t>(number);
  return fmt::format("{}.{}", head / abilities.n_heads, head % abilities.n_heads);
}

std::string percent(double share, std::int64_t of) {
  return of > 0 ? fmt::format("{:.1f} %", 100 * share) : "-";
}

double points(const RelationAbility& each, std::size_t replacement, std::size_t head) {
  return 100 * cost_of(each, each.without[replacement][head]).share;
}

/// The head whose cheapest removal costs most.
std::size_t costliest_head(const RelationAbility& each) {
  std::size_t costliest = 0;
  double most = -1e9;
  for (std::size_t head = 0; head < each.looks.size(); ++head) {
    double least = points(each, 0, head);
    for (std::size_t i = 1; i < kReplacements.size(); ++i)
      least = std::min(least, points(each, i, head));
    if (least > most) {
      most = least;
      costliest = head;
    }
  }
  return costliest;
}

/// "2.1,2.3"
std::string heads_of(const SetRemoval& set) {
  std::string out;
  for (const std::int64_t head : set.heads)
    out += fmt::format("{}{}.{}", out.empty() ? "" : ",", set.layer, head);
  return out;
}

/// How many times the random sets' cost the set's is; nothing to compare with where those cost less
/// than a tenth of a point.
std::string ratio(const SetRemoval& set, std::size_t replacement) {
  const double random = set.random_cost(replacement);
  return random > 0.001 ? fmt::format("{:.1f}", set.cost(replacement) / random) : "-";
}

std::string relation_line(const Abilities& abilities, const RelationAbility& each) {
  std::string looks = "-", offset = "-", costliest;
  if (each.pairs > 0) {
    looks = fmt::format("{} {:.0f} %", head_name(abilities, each.best_head()),
                        100 * each.look_share(each.best_head()));
    offset = fmt::format("{:+} {:.0f} %", each.offset, 100 * each.offset_share());
  }
  if (each.removals() && each.asked > 0) {
    const std::size_t head = costliest_head(each);
    costliest = fmt::format("{} {:3.0f} {:3.0f} {:3.0f}", head_name(abilities, head),
                            points(each, 0, head), points(each, 1, head), points(each, 2, head));
  }
  return fmt::format("{} {:<16}{:>6}{:>9}  {:<15}{:<14}{}\n", each.language, each.relation,
                     each.asked, percent(each.accuracy(), each.asked), looks, offset, costliest);
}

std::string sets_text(const Abilities& abilities, const Style& style) {
  if (abilities.sets.empty()) return "";
  std::string out = fmt::format(
      "\n{}\npoints of coreference lost: these : others, on average (times)\n{:<16}",
      style.bold("heads that look at the referent most, beside random others"), "heads");
  for (const Replacement how : kReplacements) out += fmt::format("{:<21}", name_of(how));
  for (const SetRemoval& set : abilities.sets) {
    out += fmt::format("\n{:<16}", heads_of(set));
    for (std::size_t i = 0; i < kReplacements.size(); ++i)
      out += fmt::format("{:<21}", fmt::format("{:.1f} : {:.2f} ({})", 100 * set.cost(i),
                                               100 * set.random_cost(i), ratio(set, i)));
  }
  return out + "\n";
}

std::string accuracy_rows(const Abilities& abilities) {
  std::string out =
      "| relation | language | asked | right | 95 % interval |\n|---|---|---:|---:|---|\n";
  for (const RelationAbility& each : abilities.relations) {
    if (each.asked == 0) continue;
    const Interval interval = wilson_interval(each.right, each.asked);
    out += fmt::format("| {} | {} | {} | {:.1f} % | {:.1f} to {:.1f} |\n", each.relation,
                       each.language, each.asked, 100 * each.accuracy(), 100 * interval.low,
                       100 * interval.high);
  }
  return out;
}

std::string looks_rows(const Abilities& abilities) {
  std::string out =
      "| relation | language | pairs | head that looks there most | fixed offset |\n"
      "|---|---|---:|---|---|\n";
  for (const RelationAbility& each : abilities.relations)
    if (each.pairs > 0)
      out += fmt::format("| {} | {} | {} | {}: {:.0f} % | {:+}: {:.0f} % |\n", each.relation,
                         each.language, each.pairs, head_name(abilities, each.best_head()),
                         100 * each.look_share(each.best_head()), each.offset,
                         100 * each.offset_share());
  return out;
}

std::string removal_cell(const RelationAbility& each, std::size_t replacement, std::size_t head) {
  const Cost cost = cost_of(each, each.without[replacement][head]);
  return fmt::format(" {:.1f} ± {:.1f} |", 100 * cost.share,
                     50 * (cost.interval.high - cost.interval.low));
}

std::string removal_rows(const Abilities& abilities) {
  std::string out =
      "| relation | language | head | looks there | zero | mean | resample |\n"
      "|---|---|---|---:|---:|---:|---:|\n";
  for (const RelationAbility& each : abilities.relations) {
    if (!each.removals() || each.asked == 0) continue;
    std::vector<std::size_t> heads = {costliest_head(each)};
    if (each.pairs > 0 && each.best_head() != heads.front()) heads.push_back(each.best_head());
    for (const std::size_t head : heads) {
      out += fmt::format("| {} | {} | {} | {:.0f} % |", each.relation, each.language,
                         head_name(abilities, head), 100 * each.look_share(head));
      for (std::size_t i = 0; i < kReplacements.size(); ++i) out += removal_cell(each, i, head);
      out += "\n";
    }
  }
  return out;
}

std::string set_rows(const Abilities& abilities) {
  std::string out = "| heads | zero | mean | resample |\n|---|---:|---:|---:|\n";
  for (const SetRemoval& set : abilities.sets) {
    out += fmt::format("| {} |", heads_of(set));
    for (std::size_t i = 0; i < kReplacements.size(); ++i) {
      const auto& random = set.random_right[i];
      const std::int64_t worst = random.empty() ? set.right : *std::ranges::min_element(random);
      out += fmt::format(" {:.1f} : {:.2f} ({}), worst {:.1f} |", 100 * set.cost(i),
                         100 * set.random_cost(i), ratio(set, i),
                         100 * RelationAbility::share(set.right - worst, set.asked));
    }
    out += "\n";
  }
  return out;
}

}  // namespace

std::string role_text(const Role& role) {
  return fmt::format("head {}.{}, {} ({}): {}", role.layer, role.head, role.relation, role.language,
                     text_of(role));
}

std::string ability_text(const Abilities& abilities, const Style& style) {
  std::string out =
      style.bold(fmt::format("{:<19}{:>6}{:>9}  {:<15}{:<14}{}\n", "relation", "asked", "right",
                             "looks there", "fixed offset", "costliest"));
  for (const RelationAbility& each : abilities.relations) out += relation_line(abilities, each);
  return out + sets_text(abilities, style);
}

std::string ability_markdown(const Abilities& abilities) {
  std::string out = fmt::format("Held-out accuracy ({} sentences, seed {}):\n\n{}",
                                abilities.sentences, abilities.seed, accuracy_rows(abilities));
  out +=
      "\nHow often a head's strongest target, of all tokens, is the labelled word; beside it the "
      "best "
      "that looking a fixed\nnumber of tokens ahead or back could do:\n\n" +
      looks_rows(abilities);
  if (abilities.sets.empty()) return out;
  out +=
      "\nWhat removing one head costs, in points of accuracy with 95 % intervals: the costliest "
      "head of "
      "each relation (by the\ncheapest of its three removals), and the head that looks there "
      "most:\n\n" +
      removal_rows(abilities);
  out +=
      "\nThe heads of one layer that look at the referent most, removed together: points of "
      "coreference "
      "lost, beside the mean\nover random sets of equally many other heads (how many times), and "
      "the "
      "worst of those sets:\n\n" +
      set_rows(abilities);
  const auto roles = roles_of(abilities);
  out += roles.empty() ? "\nThese numbers support no head's role.\n"
                       : "\nRoles that these numbers support:\n\n";
  for (const Role& role : roles) out += fmt::format("- {}\n", role_text(role));
  return out;
}

}  // namespace headlight::app
