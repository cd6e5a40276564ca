// What the number of heads costs and gives when d_model stays: n_heads * head_dim = d_model.
#include <algorithm>

#include "core/error.h"
#include "train/experiments/experiment_list.h"
#include "train/experiments/micro_world_arm.h"

namespace headlight {
namespace {

constexpr std::int64_t kWidth = 64;   // d_model
constexpr double kSentence = 16;      // tokens, about the mean of the micro-world
constexpr double kComparable = 1.25;  // times the cost of one head

std::string name_of_heads(std::int64_t n) {
  return fmt::format("{} head{}", n, n == 1 ? "" : "s");
}

void check_divides(std::int64_t n) {
  std::int64_t below = 1, above = kWidth;
  for (std::int64_t d = 1; d <= kWidth; ++d) {
    if (kWidth % d != 0) continue;
    if (d < n) below = d;
    if (d > n) above = std::min(above, d);
  }
  check(n >= 1 && n <= kWidth && kWidth % n == 0, "experiment",
        "n_heads {} does not divide d_model {}; the nearest divisors are {} and {}", n, kWidth,
        below, above);
}

/// Multiplications and additions of the blocks for a token of a sentence, forward and backward (the
/// backward pass has two products for each of the forward pass).
double flops(const MicroWorldArm& arm) {
  const auto width = static_cast<double>(arm.n_heads * arm.head_dim);
  const auto d = static_cast<double>(arm.d_model), ff = static_cast<double>(arm.d_ff);
  const double products = 4 * d * width + 2 * d * ff + 2 * kSentence * width;
  return 3 * 2 * static_cast<double>(arm.n_layers) * products;
}

MicroWorldArm arm_of(std::int64_t n) {
  check_divides(n);
  return {.name = name_of_heads(n), .n_heads = n, .head_dim = kWidth / n};
}

Estimate exactly(double value) {
  return {value, 0, 1};
}

std::int64_t heads_of(const std::string& arm) {
  return std::stoll(arm);
}

/// Ratios of an arm's number to that of the first arm, seed by seed.
Estimate ratio(const Results& results, const std::string& arm, const std::string& pointer) {
  std::vector<double> values = results.of(arm, pointer);
  const std::vector<double> base = results.of(results.arms().front(), pointer);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] /= base[i];
  return estimate(values);
}

Table cost_table(const Results& results) {
  Table table{
      "cost and accuracy",
      "n_heads",
      {{"parameters", 0}, {"Mflop/token", 3}, {"us/token", 2}, {"times", 2}, {"right %", 1}},
      {}};
  for (const std::string& arm : results.arms())
    table.rows.push_back(
        {arm,
         {estimate_of(results, arm, "/parameters"), exactly(flops(arm_of(heads_of(arm))) / 1e6),
          estimate_of(results, arm, "/cpu_microseconds"), ratio(results, arm, "/cpu_microseconds"),
          estimate_of(results, arm, "/accuracy", 100)}});
  return table;
}

/// Every number of heads against the fewest.
void add_claims(const Results& results, ExperimentReport& report) {
  const std::string& first = results.arms().front();
  Estimate slowest{.mean = 0};
  std::string slowest_arm;
  for (const std::string& arm : results.arms()) {
    if (arm == first) continue;
    const Estimate time = ratio(results, arm, "/cpu_microseconds");
    const Estimate gain = difference(results, arm, first);
    if (time.mean > slowest.mean) slowest = time, slowest_arm = arm;
    report.claims.push_back({fmt::format("{} know more than {}", arm, first), gain.low() > 0,
                             fmt::format("{} points, paired by seed", text_of(gain, 1))});
  }
  report.claims.push_back(
      {fmt::format("training costs less than {} times {}, however many heads", kComparable, first),
       slowest.high() < kComparable,
       fmt::format("the slowest, {}: {} times", slowest_arm, text_of(slowest, 2))});
}

}  // namespace

std::vector<Trial> head_trials(const ExperimentOptions& options) {
  std::vector<std::int64_t> counts = options.heads;
  if (counts.empty()) counts = {1, 2, 4, 8, 16, 32};
  std::vector<MicroWorldArm> arms;
  for (const std::int64_t n : counts) arms.push_back(arm_of(n));
  return micro_world_trials(arms, options);
}

ExperimentReport head_report(const Results& results) {
  ExperimentReport report{.notes = arm_notes(results),
                          .tables = {cost_table(results), relation_table(results)}};
  add_claims(results, report);
  report.plot = {.title = "More heads of less width: d_model 64, equal parameters",
                 .about = "Held-out accuracy and training time against the number of heads.",
                 .x_label = "heads",
                 .y_label = "held-out accuracy, %; time, % of the slowest",
                 .y_low = 0,
                 .y_high = 100};
  PlotSeries right{"held-out accuracy", {}}, time{"training time a token", {}};
  double slowest = 0;
  for (const std::string& arm : results.arms()) {
    report.plot.categories.push_back(std::to_string(heads_of(arm)));
    slowest = std::max(slowest, estimate_of(results, arm, "/cpu_microseconds").mean);
  }
  for (const std::string& arm : results.arms()) {
    const auto x = static_cast<double>(right.points.size());
    const Estimate accuracy = estimate_of(results, arm, "/accuracy", 100);
    const Estimate cost = estimate_of(results, arm, "/cpu_microseconds", 100 / slowest);
    right.points.push_back({x, accuracy.mean, accuracy.half_width});
    time.points.push_back({x, cost.mean, cost.half_width});
  }
  report.plot.series = {std::move(right), std::move(time)};
  return report;
}

}  // namespace headlight
