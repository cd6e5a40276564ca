// Is there a rescue for a single head? A wider one, more layers, a bigger FFN, and eight heads, all
// of one number of parameters.
#include <algorithm>

#include "train/experiments/experiment_list.h"
#include "train/experiments/micro_world_arm.h"

namespace headlight {
namespace {

constexpr std::string_view kEight = "8 heads", kNarrow = "narrow";

/// The arms, each with as many parameters as eight heads have. What one narrow head saves goes into
/// the residual stream, where it helps no routing; in the rescues into what they are named after.
std::vector<MicroWorldArm> arms() {
  const MicroWorldArm eight{.name = std::string(kEight)};
  const std::int64_t budget = parameters_of(eight);
  return {with_d_model_for({.name = std::string(kNarrow), .n_heads = 1}, budget),
          {.name = "wide", .n_heads = 1, .head_dim = 64},
          with_d_ff_for({.name = "layers", .n_layers = 4, .n_heads = 1, .head_dim = 32}, budget),
          with_d_ff_for({.name = "ffn", .n_heads = 1}, budget),
          eight};
}

}  // namespace

std::vector<Trial> rescue_trials(const ExperimentOptions& options) {
  return micro_world_trials(arms(), options);
}

ExperimentReport rescue_report(const Results& results) {
  ExperimentReport report{.notes = arm_notes(results), .tables = {relation_table(results)}};
  for (const std::string& arm : results.arms()) {
    if (arm == kEight) continue;
    const Estimate gap = difference(results, kEight, arm);
    report.claims.push_back(
        {arm == kNarrow ? "eight heads know more than one narrow head"
                        : fmt::format("\"{}\" does not rescue one head: eight know more", arm),
         gap.low() > 0,
         fmt::format("8 heads - {}: {} points, paired by seed", arm, text_of(gap, 1))});
  }
  report.plot = relation_plot(results, "One budget of parameters, spent in five ways");
  return report;
}

}  // namespace headlight
