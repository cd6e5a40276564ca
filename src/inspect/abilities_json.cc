// abilities.json: written, and read with every count checked.
#include <limits>

#include "core/error.h"
#include "inspect/abilities.h"

namespace headlight {
namespace {

constexpr std::int64_t kMostHeads = 1 << 16, kMostEntries = 4096;
constexpr std::int64_t kMostCount = std::int64_t{1} << 40;

Json json_of(const RelationAbility& each) {
  Json out = {{"language", each.language}, {"relation", each.relation},
              {"asked", each.asked},       {"right", each.right},
              {"pairs", each.pairs},       {"looks", each.looks},
              {"offset", each.offset},     {"offset_hits", each.offset_hits}};
  if (!each.removals()) return out;
  for (std::size_t i = 0; i < kReplacements.size(); ++i) {
    Json right = Json::array(), lost = Json::array();
    for (const Removed& removed : each.without[i]) {
      right.push_back(removed.right);
      lost.push_back(removed.lost);
    }
    out["without"][std::string(name_of(kReplacements[i]))] = {{"right", std::move(right)},
                                                              {"lost", std::move(lost)}};
  }
  return out;
}

Json json_of(const SetRemoval& set) {
  Json out = {{"relation", set.relation},
              {"layer", set.layer},
              {"heads", set.heads},
              {"asked", set.asked},
              {"right", set.right}};
  for (std::size_t i = 0; i < kReplacements.size(); ++i)
    out["without"][std::string(name_of(kReplacements[i]))] = {{"right", set.right_without[i]},
                                                              {"random", set.random_right[i]}};
  return out;
}

const Json& array_at(const JsonObject& fields, std::string_view key, std::int64_t most) {
  const Json& list = fields.at(key);
  check(list.is_array() && std::ssize(list) <= most, "abilities",
        "{}: \"{}\" must be an array of at most {}, got {}", fields.source(), key, most,
        describe(list));
  return list;
}

/// Whole numbers in [0, most].
std::vector<std::int64_t> counts(const JsonObject& fields, std::string_view key,
                                 std::int64_t most) {
  std::vector<std::int64_t> out;
  for (const Json& value : array_at(fields, key, kMostHeads)) {
    const bool whole =
        value.is_number_unsigned() || (value.is_number_integer() && value.get<std::int64_t>() >= 0);
    check(whole && value.get<std::uint64_t>() <= static_cast<std::uint64_t>(most), "abilities",
          "{}: \"{}\" must hold whole numbers from 0 to {}, got {}", fields.source(), key, most,
          describe(value));
    out.push_back(value.get<std::int64_t>());
  }
  return out;
}

std::vector<std::int64_t> counts_of_heads(const JsonObject& fields, std::string_view key,
                                          std::int64_t most, std::int64_t heads) {
  auto out = counts(fields, key, most);
  check(std::ssize(out) == heads, "abilities", "{}: \"{}\" has {} entries for {} heads",
        fields.source(), key, out.size(), heads);
  return out;
}

JsonObject part(const JsonObject& fields, std::string_view key) {
  return {fields.at(key), fmt::format("{}: {}", fields.source(), key)};
}

RelationAbility ability_of(const JsonObject& fields, std::int64_t heads) {
  RelationAbility out;
  out.language = fields.string("language");
  out.relation = fields.string("relation");
  out.asked = fields.integer("asked", 0, kMostCount);
  out.right = fields.integer("right", 0, out.asked);
  out.pairs = fields.integer("pairs", 0, kMostCount);
  out.looks = counts_of_heads(fields, "looks", out.pairs, heads);
  out.offset = fields.integer("offset", -kMostCount, kMostCount);
  out.offset_hits = fields.integer("offset_hits", 0, out.pairs);
  if (!fields.has("without")) return out;
  const JsonObject without = part(fields, "without");
  for (std::size_t i = 0; i < kReplacements.size(); ++i) {
    const JsonObject way = part(without, name_of(kReplacements[i]));
    const auto right = counts_of_heads(way, "right", out.asked, heads);
    const auto lost = counts_of_heads(way, "lost", out.right, heads);
    for (std::size_t h = 0; h < right.size(); ++h) {
      const std::int64_t gained = right[h] - out.right + lost[h];
      check(0 <= gained && gained <= out.asked - out.right, "abilities",
            "{}: head {}: {} of {} right and {} lost do not go with {} right before", way.source(),
            h, right[h], out.asked, lost[h], out.right);
      out.without[i].push_back({right[h], lost[h]});
    }
  }
  return out;
}

SetRemoval set_of(const JsonObject& fields, const Abilities& abilities) {
  SetRemoval out;
  out.relation = fields.string("relation");
  out.layer = fields.integer("layer", 0, abilities.n_layers - 1);
  out.heads = counts(fields, "heads", abilities.n_heads - 1);
  out.asked = fields.integer("asked", 0, kMostCount);
  out.right = fields.integer("right", 0, out.asked);
  const JsonObject without = part(fields, "without");
  for (std::size_t i = 0; i < kReplacements.size(); ++i) {
    const JsonObject way = part(without, name_of(kReplacements[i]));
    out.right_without[i] = way.integer("right", 0, out.asked);
    out.random_right[i] = counts(way, "random", out.asked);
  }
  return out;
}

}  // namespace

Json to_json(const Abilities& abilities) {
  Json relations = Json::array(), sets = Json::array();
  for (const RelationAbility& each : abilities.relations) relations.push_back(json_of(each));
  for (const SetRemoval& set : abilities.sets) sets.push_back(json_of(set));
  return {{"n_layers", abilities.n_layers},    {"n_heads", abilities.n_heads},
          {"sentences", abilities.sentences},  {"seed", abilities.seed},
          {"relations", std::move(relations)}, {"sets", std::move(sets)}};
}

Abilities abilities_from_json(const Json& json, std::string_view source) {
  const JsonObject fields(json, std::string(source));
  Abilities out;
  out.n_layers = fields.integer("n_layers", 1, kMostHeads);
  out.n_heads = fields.integer("n_heads", 1, kMostHeads / out.n_layers);
  out.sentences = fields.integer("sentences", 0, kMostCount);
  out.seed = static_cast<std::uint64_t>(
      fields.integer("seed", 0, std::numeric_limits<std::int64_t>::max()));
  const auto entry = [&](std::string_view list, std::size_t i, const Json& value) {
    return JsonObject(value, fmt::format("{}: {} {}", source, list, i));
  };
  for (const Json& value : array_at(fields, "relations", kMostEntries))
    out.relations.push_back(
        ability_of(entry("relation", out.relations.size(), value), out.n_layers * out.n_heads));
  for (const Json& value : array_at(fields, "sets", kMostEntries))
    out.sets.push_back(set_of(entry("set", out.sets.size(), value), out));
  return out;
}

}  // namespace headlight
