#include "app/model_records.h"

#include <algorithm>

#include "app/json_view.h"
#include "core/error.h"

namespace headlight::app {
namespace {

constexpr std::string_view kAbilities = "abilities.json", kEmergence = "emergence.jsonl";
constexpr std::size_t kMostAbilityBytes = std::size_t{8} << 20;
constexpr std::size_t kMostEmergenceBytes = std::size_t{16} << 20;
constexpr std::size_t kMostSnapshots = 1000;

std::string place_of(const ModelInfo& model, std::string_view file) {
  return printable((model.folder.path() / file).string(), 300);
}

}  // namespace

std::vector<std::string_view> records_of(const ModelInfo& model) {
  std::vector<std::string_view> out;
  for (const std::string_view file : {kAbilities, kEmergence})
    if (model.folder.holds(file)) out.push_back(file.substr(0, file.find('.')));
  return out;
}

std::optional<Abilities> read_abilities(const ModelInfo& model) {
  if (!model.folder.holds(kAbilities)) return std::nullopt;
  const std::string source = place_of(model, kAbilities);
  Abilities abilities =
      abilities_from_json(read_json_file(model.folder, kAbilities, kMostAbilityBytes), source);
  const ModelConfig& c = model.config;
  check(abilities.n_layers == c.n_layers && abilities.n_heads == c.n_heads, "abilities",
        "{}: is of {} layers x {} heads, the model has {} x {}", source, abilities.n_layers,
        abilities.n_heads, c.n_layers, c.n_heads);
  return abilities;
}

std::vector<Role> read_roles(const ModelInfo& model) {
  const auto abilities = read_abilities(model);
  return abilities ? roles_of(*abilities) : std::vector<Role>();
}

std::optional<Json> read_emergence(const ModelInfo& model) {
  if (!model.folder.holds(kEmergence)) return std::nullopt;
  const std::string source = place_of(model, kEmergence);
  const std::string text = model.folder.text(kEmergence, kMostEmergenceBytes);
  Json snapshots = Json::array();
  std::int64_t last = -1;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string line = fmt::format("{}: line {}", source, snapshots.size() + 1);
    check(snapshots.size() < kMostSnapshots, "emergence", "{} is past the limit of {} lines", line,
          kMostSnapshots);
    Json snapshot = parse_json(std::string_view(text).substr(begin, end - begin), line);
    const std::int64_t step = JsonObject(snapshot, line).integer("step", 0, std::int64_t{1} << 53);
    check(step > last, "emergence", "{}: step {} does not come after {}", line, step, last);
    last = step;
    snapshots.push_back(std::move(snapshot));
    begin = end + 1;
  }
  return snapshots;
}

Json json_roles(const std::vector<Role>& roles) {
  Json out = Json::array();
  for (const Role& role : roles)
    out.push_back({{"layer", role.layer},
                   {"head", role.head},
                   {"language", role.language},
                   {"relation", role.relation},
                   {"looks", json_number(role.looks)},
                   {"fixed_offset", json_number(role.fixed_offset)},
                   {"cost", json_number(role.cost)},
                   {"text", text_of(role)}});
  return out;
}

}  // namespace headlight::app
