// Encoders of the micro-world that differ in their heads, layers and widths, trained alike and
// asked for every relation.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "train/experiments/experiment.h"
#include "train/settings.h"

namespace headlight {

/// What an arm changes. The defaults are the model that the others are compared with.
struct MicroWorldArm {
  std::string name;
  std::int64_t n_layers = 2, n_heads = 8, head_dim = 8, d_model = 64, d_ff = 256;
  bool tied = false;  ///< all heads of a layer share their projections (train/tied_heads.h)
};

/// Steps of a training when none are asked for.
inline constexpr std::int64_t kMicroWorldSteps = 1200;

/// Settings of a run: 64 sentences a step, AdamW, warm-up over a tenth, cosine.
TrainSettings settings_of(const MicroWorldArm& arm, std::uint64_t seed, std::int64_t steps);
/// Parameters that are not copies, embeddings and head included.
std::int64_t parameters_of(const MicroWorldArm& arm);
/// The arm with d_ff, or d_model, as large as a budget of parameters allows.
MicroWorldArm with_d_ff_for(MicroWorldArm arm, std::int64_t budget);
MicroWorldArm with_d_model_for(MicroWorldArm arm, std::int64_t budget);

/// A trial of every arm with every seed, arms side by side. Measures: /accuracy (of held-out
/// sentences, the mean over relations), /relations/NAME (both languages), /loss (of training, the
/// mean of the last twentieth), /parameters, /shape (in words), /cpu_microseconds (a token of
/// training), /tokens.
std::vector<Trial> micro_world_trials(const std::vector<MicroWorldArm>& arms,
                                      const ExperimentOptions& options);

/// Held-out accuracy in percent: a row for each relation and their mean, a column for each arm.
Table relation_table(const Results& results);
/// What each arm is, a line each.
std::vector<std::string> arm_notes(const Results& results);
/// relation_table as a plot, the arms beside each other.
Plot relation_plot(const Results& results, std::string title);
/// The paired difference of two arms in a number, multiplied by `unit`.
Estimate difference(const Results& results, std::string_view a, std::string_view b,
                    const std::string& pointer = "/accuracy", double unit = 100);
/// Every number of an arm as an estimate, multiplied by `unit`.
Estimate estimate_of(const Results& results, std::string_view arm, const std::string& pointer,
                     double unit = 1);

}  // namespace headlight
