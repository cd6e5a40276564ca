// What a model's folder says of it beside its weights: measured abilities, and how heads came
// about.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "app/model_catalog.h"
#include "inspect/abilities.h"
#include "io/json.h"

namespace headlight::app {

/// Which of "abilities" and "emergence" the folder holds, unread.
std::vector<std::string_view> records_of(const ModelInfo& model);

/// The folder's abilities.json; nothing when there is none. Throws when it is damaged, or of a
/// model with another number of heads.
std::optional<Abilities> read_abilities(const ModelInfo& model);

/// The roles of a model's heads that its abilities support; none without measured abilities.
std::vector<Role> read_roles(const ModelInfo& model);

/// The folder's emergence.jsonl, at most 16 MiB and 1000 lines, as an array of its lines in order
/// of their steps; nothing when there is none. Throws when it is damaged.
std::optional<Json> read_emergence(const ModelInfo& model);

/// [{"layer", "head", "language", "relation", "looks", "fixed_offset", "cost", "text"}...]
Json json_roles(const std::vector<Role>& roles);

}  // namespace headlight::app
