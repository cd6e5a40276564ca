// The experiments: a claim, the trials that test it, and what came of them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/folder.h"
#include "train/experiments/estimate.h"
#include "train/experiments/plot.h"
#include "train/experiments/trial.h"

namespace headlight {

struct ExperimentOptions {
  std::int64_t seeds = 5;                  ///< 1 ... seeds; at least 2
  std::optional<std::int64_t> steps = {};  ///< of each training; the experiment's own if not given
  std::vector<std::int64_t> heads = {};    ///< `heads`: n_heads to compare; empty: 1, 2, 4 ... 32
  Folder model = {};                       ///< `redundancy`: a model of the micro-world
};

struct Column {
  std::string name;
  int decimals = 1;
};
struct TableRow {
  std::string name;
  std::vector<Estimate> values;  ///< one for each column; half_width 0: known exactly
};
struct Table {
  std::string title, row_title;
  std::vector<Column> columns;
  std::vector<TableRow> rows;
};

/// What was claimed, and whether the measurements bear it out.
struct Claim {
  std::string text;
  bool held = false;
  std::string evidence;  ///< the numbers that decide
};

struct ExperimentReport {
  std::vector<std::string> notes = {};  ///< what the arms are, a line each
  std::vector<Table> tables = {};
  std::vector<Claim> claims = {};
  Plot plot = {};
};

struct Experiment {
  std::string_view name, about;
  std::vector<Trial> (*trials)(const ExperimentOptions&);
  ExperimentReport (*report)(const Results&);
};
std::span<const Experiment> experiments();
/// Throws, with the nearest name, when there is none of this name.
const Experiment& find_experiment(std::string_view name);

/// Trials that were measured, tables and claims, as JSON.
Json to_json(const std::vector<Trial>& trials, const Measures& measures);
Json to_json(const ExperimentReport& report);
/// The measures in such JSON; anything else in it is passed over.
Measures measures_in(const Json& experiment);

/// "12.3 ± 0.4", without the interval for what is known exactly.
std::string text_of(const Estimate& estimate, int decimals);

}  // namespace headlight
