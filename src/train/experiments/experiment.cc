#include "train/experiments/experiment.h"

#include <array>

#include "core/error.h"
#include "io/nearest_name.h"
#include "train/experiments/experiment_list.h"

namespace headlight {
namespace {

constexpr std::array kExperiments = {
    Experiment{"rescues", "do a wider head, more layers or a bigger FFN replace eight heads?",
               rescue_trials, rescue_report},
    Experiment{"copies", "are eight heads that share their projections worth eight heads?",
               copy_trials, copy_report},
    Experiment{"heads", "1 to 32 heads of one d_model: accuracy, parameters, flops and time",
               head_trials, head_report},
    Experiment{"induction", "attention alone, 1 and 2 layers: when does copying begin?",
               induction_trials, induction_report},
    Experiment{"redundancy", "how many heads of a trained model can be removed?", redundancy_trials,
               redundancy_report},
};

Json to_json(const Estimate& e) {
  return {{"mean", e.mean}, {"half_width", e.half_width}, {"n", e.n}};
}

Json to_json(const Table& table) {
  Json rows = Json::array();
  for (const TableRow& row : table.rows) {
    Json values = Json::object();
    for (std::size_t i = 0; i < row.values.size(); ++i)
      values[table.columns[i].name] = to_json(row.values[i]);
    rows.push_back({{"name", row.name}, {"values", std::move(values)}});
  }
  return {{"title", table.title}, {"rows", std::move(rows)}};
}

}  // namespace

std::span<const Experiment> experiments() {
  return kExperiments;
}

const Experiment& find_experiment(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Experiment& experiment : kExperiments) {
    if (experiment.name == name) return experiment;
    names.push_back(experiment.name);
  }
  fail("experiment", "there is no experiment \"{}\"{}; known: {}", printable(name),
       nearest_hint(name, names), fmt::join(names, ", "));
}

Json to_json(const std::vector<Trial>& trials, const Measures& measures) {
  Json out = Json::array();
  for (const Trial& trial : trials)
    if (const auto found = measures.find(trial.id()); found != measures.end())
      out.push_back({{"id", trial.id()},
                     {"arm", trial.arm},
                     {"seed", trial.seed},
                     {"settings", trial.settings},
                     {"measures", found->second}});
  return out;
}

Json to_json(const ExperimentReport& report) {
  Json tables = Json::array(), claims = Json::array();
  for (const Table& table : report.tables) tables.push_back(to_json(table));
  for (const Claim& claim : report.claims)
    claims.push_back({{"text", claim.text}, {"held", claim.held}, {"evidence", claim.evidence}});
  return {{"intervals", "95 %, Student's t"},
          {"notes", report.notes},
          {"tables", std::move(tables)},
          {"claims", std::move(claims)}};
}

Measures measures_in(const Json& experiment) {
  Measures out;
  if (!experiment.is_object() || !experiment.contains("trials")) return out;
  for (const Json& trial : experiment.at("trials"))
    if (trial.is_object() && trial.contains("id") && trial["id"].is_string() &&
        trial.contains("measures") && trial["measures"].is_object())
      out[trial["id"].get<std::string>()] = trial["measures"];
  return out;
}

std::string text_of(const Estimate& e, int decimals) {
  if (e.half_width == 0) return fmt::format("{:.{}f}", e.mean, decimals);
  return fmt::format("{:.{}f} ± {:.{}f}", e.mean, decimals, e.half_width, decimals);
}

}  // namespace headlight
