// The trials and the report of every experiment, each in a file of its own.
#pragma once

#include "train/experiments/experiment.h"

namespace headlight {

std::vector<Trial> rescue_trials(const ExperimentOptions& options);
ExperimentReport rescue_report(const Results& results);
std::vector<Trial> copy_trials(const ExperimentOptions& options);
ExperimentReport copy_report(const Results& results);
std::vector<Trial> head_trials(const ExperimentOptions& options);
ExperimentReport head_report(const Results& results);
std::vector<Trial> induction_trials(const ExperimentOptions& options);
ExperimentReport induction_report(const Results& results);
std::vector<Trial> redundancy_trials(const ExperimentOptions& options);
ExperimentReport redundancy_report(const Results& results);

}  // namespace headlight
