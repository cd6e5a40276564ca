// The experiments without their length: intervals, verdicts on made-up measures, and one step of
// what is really trained.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "core/error.h"
#include "support/expect_error.h"
#include "support/shared.h"
#include "train/examples.h"
#include "train/experiments/experiment.h"
#include "train/experiments/micro_world_arm.h"
#include "train/experiments/repeated_sequences.h"
#include "train/micro_world.h"
#include "train/trainer.h"

namespace headlight {
namespace {

TEST(Estimate, HasTheIntervalOfStudentsTables) {
  EXPECT_NEAR(student_t_95(1), 12.706, 5e-4);
  EXPECT_NEAR(student_t_95(2), 4.303, 5e-4);
  EXPECT_NEAR(student_t_95(4), 2.776, 5e-4);
  EXPECT_NEAR(student_t_95(9), 2.262, 5e-4);
  EXPECT_NEAR(student_t_95(30), 2.042, 5e-4);
  EXPECT_NEAR(student_t_95(1000), 1.962, 5e-4);
  const Estimate e = estimate(std::vector<double>{1, 2, 3, 4, 5});
  EXPECT_DOUBLE_EQ(e.mean, 3);
  EXPECT_NEAR(e.half_width, 1.9633, 1e-4);  // 2.7764 * sqrt(2.5 / 5)
  EXPECT_EQ(text_of(e, 2), "3.00 ± 1.96");
  testing::expect_error([] { estimate(std::vector<double>{1}); }, {"[estimate]", "1 values"});
}

TEST(Estimate, PairsCancelWhatSeedsShare) {
  const std::vector<double> a = {10, 20, 31}, b = {9, 19, 29};
  const Estimate paired = paired_difference(a, b);
  EXPECT_NEAR(paired.mean, 4.0 / 3, 1e-12);
  EXPECT_LT(paired.half_width, estimate(a).half_width / 10);
  testing::expect_error([&] { paired_difference(a, std::vector<double>{1, 2}); }, {"3", "2"});
}

Trial counting_trial(std::string arm, std::uint64_t seed, int& runs) {
  return {std::move(arm), seed, {{"seed", seed}}, 1, [&runs, seed](const TrialControl& control) {
            ++runs;
            control.progress(1);
            return control.should_stop() ? Json() : Json{{"seed", seed}};
          }};
}

TEST(Trials, AreNotRunWhenTheirSettingsAreKnown) {
  int runs = 0;
  const std::vector<Trial> trials = {counting_trial("a", 1, runs), counting_trial("a", 2, runs),
                                     counting_trial("b", 1, runs)};
  EXPECT_EQ(trials[0].id(), trials[2].id());
  EXPECT_NE(trials[0].id(), trials[1].id());
  Measures known = {{trials[0].id(), {{"seed", 7}}}};
  std::int64_t done = 0, total = 0, results = 0;
  TrialCallbacks callbacks;
  callbacks.on_result = [&](const Trial&, const Json&) { ++results; };
  callbacks.on_progress = [&](std::int64_t d, std::int64_t t) { done = d, total = t; };
  EXPECT_TRUE(run_trials(trials, known, callbacks));
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(results, 1);
  EXPECT_EQ(done, 1);
  EXPECT_EQ(total, 1);
  const Results both(trials, known);
  EXPECT_EQ(both.arms(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(both.of("a", "/seed"), (std::vector<double>{7, 2}));
  EXPECT_EQ(both.of("b", "/seed"), (std::vector<double>{7}));
  testing::expect_error([&] { both.of("c", "/seed"); }, {"[experiment]", "\"c\""});
  testing::expect_error([&] { both.of("a", "/sed"); }, {"[experiment]", "/sed"});
  EXPECT_EQ(measures_in({{"trials", to_json(trials, known)}}), known);
}

TEST(Trials, StopWhenAsked) {
  int runs = 0;
  const std::vector<Trial> trials = {counting_trial("a", 1, runs), counting_trial("a", 2, runs)};
  Measures known;
  TrialCallbacks callbacks;
  callbacks.should_stop = [] { return true; };
  EXPECT_FALSE(run_trials(trials, known, callbacks));
  EXPECT_EQ(runs, 0);
  EXPECT_TRUE(known.empty());
  testing::expect_error([&] { Results(trials, known); }, {"[experiment]", "not measured"});
}

Plot small_plot() {
  return {.title = "a < b & c",
          .about = "About it.",
          .x_label = "x",
          .y_label = "y",
          .series = {{"one", {{0, 0.25, 0.1}, {1, 0.5, 0}}}, {"two", {{0, 1}, {1, 0}}}}};
}

TEST(Plot, DrawsEverySeriesWithItsInterval) {
  Plot plot = small_plot();
  const std::string lines = to_svg(plot);
  EXPECT_NE(lines.find("a &lt; b &amp; c"), std::string::npos);
  EXPECT_NE(lines.find("prefers-color-scheme:dark"), std::string::npos);
  for (const char* part : {">one<", ">two<", "class=\"band\" fill=\"var(--c1)\"", "</svg>"})
    EXPECT_NE(lines.find(part), std::string::npos) << part;
  // y = 0.25 of [0, 1] lies a quarter up between 372 and 78, its interval a tenth to either side.
  plot.lines = false;
  plot.categories = {"left", "right"};
  const std::string bars = to_svg(plot);
  EXPECT_NE(bars.find("327.9V269.1"), std::string::npos);
  EXPECT_NE(bars.find(">right<"), std::string::npos);
}

TEST(Plot, RefusesWhatCannotBeDrawn) {
  Plot plot = small_plot();
  plot.series[0].points[0].y = std::numeric_limits<double>::quiet_NaN();
  testing::expect_error([&] { to_svg(plot); }, {"[plot]", "one", "nan"});
  plot = small_plot();
  plot.log_x = true;
  testing::expect_error([&] { to_svg(plot); }, {"[plot]", "point 0"});
  plot.series.assign(7, plot.series[1]);
  testing::expect_error([&] { to_svg(plot); }, {"[plot]", "7 series"});
}

TEST(Experiments, AreFoundByName) {
  EXPECT_EQ(find_experiment("copies").name, "copies");
  testing::expect_error([] { find_experiment("rescue"); },
                        {"[experiment]", "\"rescue\"", "nearest is \"rescues\"", "induction"});
}

/// Made-up outcomes of micro-world trials: `accuracy(arm)`, and a little more for every seed.
Measures made_up(const std::vector<Trial>& trials,
                 const std::function<double(const std::string&)>& accuracy) {
  Measures out;
  for (const Trial& trial : trials) {
    const double right = accuracy(trial.arm) + 0.01 * static_cast<double>(trial.seed);
    Json measures = {{"accuracy", right},
                     {"parameters", 1000},
                     {"cpu_microseconds", 20.0},
                     {"shape", "made up"}};
    for (const Relation relation : kRelations)
      measures["relations"][std::string(name_of(relation))] = right;
    out[trial.id()] = std::move(measures);
  }
  return out;
}

ExperimentReport report_of(std::string_view name,
                           const std::function<double(const std::string&)>& accuracy) {
  const Experiment& experiment = find_experiment(name);
  const std::vector<Trial> trials = experiment.trials({.seeds = 3, .steps = 4});
  return experiment.report(Results(trials, made_up(trials, accuracy)));
}

TEST(Rescues, HoldOnlyAgainstArmsThatEightHeadsBeat) {
  const auto report = report_of("rescues", [](const std::string& arm) {
    return arm == "8 heads" ? 0.8 : arm == "layers" ? 0.81 : 0.6;
  });
  ASSERT_EQ(report.claims.size(), 4u);
  for (const Claim& claim : report.claims)
    EXPECT_EQ(claim.held, claim.evidence.find("layers") == std::string::npos) << claim.evidence;
  EXPECT_EQ(report.plot.series.size(), 5u);
  EXPECT_EQ(report.tables[0].rows.size(), std::size(kRelations) + 1);
  EXPECT_NEAR(report.tables[0].rows.back().values[4].mean, 82, 1e-9);
  EXPECT_FALSE(to_svg(report.plot).empty());
}

TEST(Copies, HoldOnlyWhenCopiesAreWorthNoMoreThanOneHead) {
  const auto held = [](double one, double tied) {
    const auto report = report_of("copies", [&](const std::string& arm) {
      return arm == "8 heads" ? 0.8 : arm == "1 head" ? one : tied;
    });
    std::vector<bool> out;
    for (const Claim& claim : report.claims) out.push_back(claim.held);
    return out;
  };
  EXPECT_EQ(held(0.5, 0.5), (std::vector<bool>{true, true, true}));
  EXPECT_EQ(held(0.5, 0.9), (std::vector<bool>{false, false, false}));
}

TEST(Heads, CompareTheNumbersThatAreAskedFor) {
  const Experiment& heads = find_experiment("heads");
  const std::vector<Trial> trials = heads.trials({.seeds = 2, .steps = 4, .heads = {1, 8}});
  const auto measures =
      made_up(trials, [](const std::string& arm) { return arm == "1 head" ? 0.5 : 0.6; });
  const auto report = heads.report(Results(trials, measures));
  ASSERT_EQ(report.claims.size(), 2u);
  EXPECT_TRUE(report.claims[0].held);
  EXPECT_TRUE(report.claims[1].held);  // as fast as one head
  testing::expect_error(
      [&] {
        heads.trials({.heads = {8, 7}});
      },
      {"[experiment]", "n_heads 7", "d_model 64", "4 and 8"});
  testing::expect_error([&] { heads.trials({.heads = {0}}); }, {"n_heads 0"});
}

/// Parameters of a micro-world trial's model that are not copies.
std::int64_t parameters_of(const Trial& trial) {
  static const std::int64_t vocab_size = make_examples(settings_of({}, 1, 1), {})->vocab_size();
  Json model = trial.settings.at("model");
  model["vocab_size"] = vocab_size;
  const ParameterLayout layout(config_from_hugging_face(model.dump(), trial.arm));
  return layout.n_parameters() -
         (trial.settings.at("tied").get<bool>() ? TiedHeads(layout).n_copies() : 0);
}

TEST(MicroWorldArms, KeepToOneBudget) {
  for (const std::string_view name : {"rescues", "copies", "heads"}) {
    const std::vector<Trial> trials = find_experiment(name).trials({.seeds = 2});
    const auto eight = std::ranges::find(trials, "8 heads", &Trial::arm);
    ASSERT_NE(eight, trials.end());
    const std::int64_t budget = parameters_of(*eight);
    for (const Trial& trial : trials) {
      const std::int64_t n = parameters_of(trial);
      EXPECT_LE(n, budget) << trial.arm;
      // In `copies` these two are smaller on purpose.
      const bool smaller = name == "copies" && (trial.arm == "1 head" || trial.arm == "8 tied");
      EXPECT_EQ(100 * n < 99 * budget, smaller) << name << ' ' << trial.arm << ' ' << n;
    }
  }
}

TEST(MicroWorldArms, AreMeasuredOnEveryRelation) {
  std::vector<Trial> trials = find_experiment("copies").trials({.seeds = 2, .steps = 1});
  std::erase_if(trials, [](const Trial& t) { return t.seed != 1 || t.arm != "8 tied"; });
  Measures measures;
  ASSERT_TRUE(run_trials(trials, measures, {}));
  const Json& tied = measures.at(trials.at(0).id());
  EXPECT_EQ(tied.at("parameters"), parameters_of(trials[0]));
  EXPECT_EQ(tied.at("relations").size(), std::size(kRelations));
  EXPECT_GT(tied.at("cpu_microseconds"), 0);
  EXPECT_GT(tied.at("tokens"), 64);
  EXPECT_LT(tied.at("accuracy"), 0.1);  // nothing is learnt in one step
}

TEST(RepeatedSequences, AskWhatOnlyTheFirstCopyTells) {
  const RepeatedSizes sizes;
  const RepeatedSequences source(sizes, 3);
  std::set<std::int64_t> distances;
  for (std::uint64_t index = 0; index < 200; ++index) {
    const Example e = source.example(index);
    ASSERT_LE(std::ssize(e.ids), sizes.max_len());
    std::int64_t asked = 0;
    for (std::size_t t = 0; t < e.ids.size(); ++t) {
      const auto first = std::ranges::find(e.ids, e.ids[t]) - e.ids.begin();
      const auto here = static_cast<std::int64_t>(t);
      if (e.targets[t] == kIgnoredTarget) continue;
      ASSERT_LT(first, here);  // it stood there before, once, and what followed is the answer
      EXPECT_EQ(e.targets[t], e.ids[static_cast<std::size_t>(first) + 1]);
      EXPECT_EQ(e.targets[t], e.ids[t + 1]);
      EXPECT_EQ(std::ranges::count(e.ids, e.ids[t]), 2);
      distances.insert(here - first);
      ++asked;
    }
    EXPECT_GE(asked, sizes.least_run - 1);
  }
  EXPECT_GT(distances.size(), 15u) << "a fixed distance would give the answer away";
  EXPECT_EQ(source.example(5).ids, RepeatedSequences(sizes, 3).example(5).ids);
  EXPECT_NE(source.example(5).ids, RepeatedSequences(sizes, 4).example(5).ids);
  testing::expect_error([] { RepeatedSequences({.vocab_size = 20}, 1); },
                        {"[experiment]", "30", "20"});
}

TEST(Induction, MeasuresAModelAtEveryMoment) {
  const Experiment& induction = find_experiment("induction");
  const std::vector<Trial> trials = induction.trials({.seeds = 2, .steps = 3});
  Measures measures;
  ASSERT_TRUE(run_trials(trials, measures, {}));
  const Results results(trials, measures);
  EXPECT_EQ(results.arms(), (std::vector<std::string>{"1 layer", "2 layers"}));
  const Json& moments = results.measures("2 layers")[0].at("moments");
  EXPECT_EQ(moments.size(), 4u);  // before the first step and after each
  for (const Json& moment : moments) {
    const double score = moment.at("induction");
    EXPECT_GT(score, 0.005);  // an untrained head looks about equally at some 30 tokens
    EXPECT_LT(score, 0.2);
  }
  const ExperimentReport report = induction.report(results);
  EXPECT_FALSE(report.claims[0].held);  // nothing is learnt in three steps
  EXPECT_TRUE(report.claims[1].held);
  EXPECT_FALSE(to_svg(report.plot).empty());
}

TEST(Redundancy, RemovesHeadsOfAModelFolder) {
  const Experiment& redundancy = find_experiment("redundancy");
  testing::expect_error([&] { redundancy.trials({}); }, {"[experiment]", "--model"});
  TrainSettings settings = settings_of(
      {.name = "tiny", .n_layers = 2, .n_heads = 2, .head_dim = 4, .d_model = 16, .d_ff = 16}, 1,
      5);
  const auto source = make_examples(settings, {});
  Trainer trainer(settings, *source);
  trainer.step();
  const auto folder = testing::scratch_folder();
  trainer.write_model(folder);
  const std::vector<Trial> trials = redundancy.trials({.seeds = 2, .model = folder});
  Measures measures;
  ASSERT_TRUE(run_trials(trials, measures, {}));
  const Results results(trials, measures);
  ASSERT_EQ(results.arms().size(), 3u);
  auto order = results.measures("least important first")[0].at("order").get<std::vector<int>>();
  auto reverse = results.measures("most important first")[0].at("order").get<std::vector<int>>();
  std::ranges::reverse(reverse);
  EXPECT_EQ(order, reverse);
  std::ranges::sort(order);
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3}));
  for (const std::string& arm : results.arms()) {  // with all heads and with none they agree
    EXPECT_EQ(results.measures(arm)[0].at("accuracy").size(), 5u);
    for (const char* end : {"/accuracy/0", "/accuracy/4"})
      EXPECT_EQ(results.of(arm, end), results.of(results.arms()[0], end));
  }
  const ExperimentReport report = redundancy.report(results);
  EXPECT_EQ(report.tables[0].rows.front().name, "4 of 4");
  EXPECT_FALSE(to_svg(report.plot).empty());
}

}  // namespace
}  // namespace headlight
