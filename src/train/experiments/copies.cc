// Are heads more than copies? Eight heads whose projections are one, against eight of their own.
#include "train/experiments/experiment_list.h"
#include "train/experiments/micro_world_arm.h"

namespace headlight {
namespace {

constexpr std::string_view kSeparate = "8 heads", kTied = "8 tied", kLarger = "8 tied+ffn",
                           kOne = "1 head";
constexpr int kMargin = 2;  // points: no difference at all cannot be shown

/// Tied heads compute one pattern and one z eight times over, so they should do no better than one
/// head of the same width. With `larger` they get the parameters that tying saves, as a wider FFN.
std::vector<MicroWorldArm> arms() {
  const MicroWorldArm separate{.name = std::string(kSeparate)};
  return {{.name = std::string(kOne), .n_heads = 1},
          {.name = std::string(kTied), .tied = true},
          with_d_ff_for({.name = std::string(kLarger), .tied = true}, parameters_of(separate)),
          separate};
}

Claim gap_claim(const Results& results, std::string text, std::string_view arm) {
  const Estimate gap = difference(results, kSeparate, arm);
  return {std::move(text), gap.low() > 0,
          fmt::format("8 heads - {}: {} points, paired by seed", arm, text_of(gap, 1))};
}

}  // namespace

std::vector<Trial> copy_trials(const ExperimentOptions& options) {
  return micro_world_trials(arms(), options);
}

ExperimentReport copy_report(const Results& results) {
  ExperimentReport report{.notes = arm_notes(results), .tables = {relation_table(results)}};
  report.claims.push_back(
      gap_claim(results, "eight separate heads know more than eight copies", kTied));
  report.claims.push_back(
      gap_claim(results, "so they do when the copies get the saved parameters as FFN", kLarger));
  const Estimate same = difference(results, kTied, kOne);
  report.claims.push_back(
      {fmt::format("eight copies know at most {} points more than one head", kMargin),
       same.high() < kMargin,
       fmt::format("8 tied - 1 head: {} points, paired by seed", text_of(same, 1))});
  report.plot = relation_plot(results, "Eight heads, eight copies of one head, and one head");
  return report;
}

}  // namespace headlight
