#include "train/experiments/micro_world_arm.h"

#include <ctime>
#include <map>
#include <utility>

#include "core/error.h"
#include "train/examples.h"
#include "train/micro_world.h"
#include "train/trainer.h"

namespace headlight {
namespace {

double cpu_seconds_of_thread() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

Json model_of(const MicroWorldArm& arm) {
  return {{"architectures", {"BertForMaskedLM"}},
          {"model_type", "bert"},
          {"num_hidden_layers", arm.n_layers},
          {"num_attention_heads", arm.n_heads},
          {"head_dim", arm.head_dim},
          {"hidden_size", arm.d_model},
          {"intermediate_size", arm.d_ff},
          {"max_position_embeddings", 64},
          {"type_vocab_size", 1},
          {"pad_token_id", 0}};
}

std::int64_t vocab_size() {
  static const std::int64_t size = make_examples(settings_of({}, 1, 1), {})->vocab_size();
  return size;
}

/// Accuracy of each relation over both languages; parts are named "en coreference".
Json relation_accuracies(const std::vector<NamedLoss>& parts) {
  std::map<std::string, LossSum> sums;
  for (const NamedLoss& part : parts) sums[part.name.substr(part.name.find(' ') + 1)] += part.sum;
  Json out = Json::object();
  for (const auto& [name, sum] : sums) out[name] = sum.accuracy();
  return out;
}

std::string shape_of(const MicroWorldArm& a, std::int64_t parameters) {
  return fmt::format("{} layers, {} x {}{}, d_model {}, d_ff {}; {} parameters", a.n_layers,
                     a.n_heads, a.head_dim, a.tied ? " tied" : "", a.d_model, a.d_ff, parameters);
}

double mean_of(const Json& numbers) {
  double sum = 0;
  for (const Json& x : numbers) sum += x.get<double>();
  return numbers.empty() ? 0 : sum / static_cast<double>(numbers.size());
}

Json measure(const MicroWorldArm& arm, const TrainSettings& settings, const TrialControl& control) {
  const auto source = make_examples(settings, {});
  Trainer trainer(settings, *source);
  if (arm.tied) trainer.tie_heads();
  std::int64_t tokens = 0;
  double seconds = 0;
  LossSum last;
  for (std::int64_t step = 0; step < settings.steps; ++step) {
    if (control.should_stop()) return nullptr;
    const double before = cpu_seconds_of_thread();
    const StepReport report = trainer.step();
    seconds += cpu_seconds_of_thread() - before;
    tokens += report.tokens;
    if (step >= settings.steps - settings.steps / 20 - 1) last += report.sum;
    control.progress(1);
  }
  const Json relations = relation_accuracies(trainer.evaluate());
  return {{"accuracy", mean_of(relations)},
          {"relations", relations},
          {"loss", last.mean()},
          {"parameters", trainer.n_free_parameters()},
          {"shape", shape_of(arm, trainer.n_free_parameters())},
          {"tokens", tokens},
          {"cpu_microseconds", 1e6 * seconds / static_cast<double>(tokens)}};
}

/// The largest value of a size with which the arm keeps within the budget.
MicroWorldArm enlarged(MicroWorldArm arm, std::int64_t MicroWorldArm::*size, std::int64_t budget) {
  arm.*size = 1;
  std::int64_t step = 1 << 12;
  for (; step > 0; step /= 2) {
    MicroWorldArm larger = arm;
    larger.*size += step;
    if (parameters_of(larger) <= budget) arm = larger;
  }
  return arm;
}

}  // namespace

TrainSettings settings_of(const MicroWorldArm& arm, std::uint64_t seed, std::int64_t steps) {
  TrainSettings settings;
  settings.model = model_of(arm);
  settings.data.kind = DataKind::micro_world;
  settings.seed = seed;
  settings.steps = steps;
  settings.sequences = 64;
  settings.learning_rate = 3e-3;
  settings.warmup = steps / 10;
  return settings;
}

std::int64_t parameters_of(const MicroWorldArm& arm) {
  Json model = model_of(arm);
  model["vocab_size"] = vocab_size();
  const ParameterLayout layout(config_from_hugging_face(model.dump(), arm.name));
  return layout.n_parameters() - (arm.tied ? TiedHeads(layout).n_copies() : 0);
}

MicroWorldArm with_d_ff_for(MicroWorldArm arm, std::int64_t budget) {
  return enlarged(std::move(arm), &MicroWorldArm::d_ff, budget);
}

MicroWorldArm with_d_model_for(MicroWorldArm arm, std::int64_t budget) {
  return enlarged(std::move(arm), &MicroWorldArm::d_model, budget);
}

std::vector<Trial> micro_world_trials(const std::vector<MicroWorldArm>& arms,
                                      const ExperimentOptions& options) {
  const std::int64_t steps = options.steps.value_or(kMicroWorldSteps);
  std::vector<Trial> out;
  for (std::int64_t seed = 1; seed <= options.seeds; ++seed)
    for (const MicroWorldArm& arm : arms) {
      const TrainSettings settings = settings_of(arm, static_cast<std::uint64_t>(seed), steps);
      Json named = to_json(settings);
      named["tied"] = arm.tied;
      out.push_back({arm.name, settings.seed, std::move(named), steps,
                     [arm, settings](const TrialControl& control) {
                       return measure(arm, settings, control);
                     }});
    }
  return out;
}

Estimate estimate_of(const Results& results, std::string_view arm, const std::string& pointer,
                     double unit) {
  std::vector<double> values = results.of(arm, pointer);
  for (double& x : values) x *= unit;
  return estimate(values);
}

Estimate difference(const Results& results, std::string_view a, std::string_view b,
                    const std::string& pointer, double unit) {
  Estimate out = paired_difference(results.of(a, pointer), results.of(b, pointer));
  out.mean *= unit;
  out.half_width *= unit;
  return out;
}

Table relation_table(const Results& results) {
  Table table{"held-out accuracy, %", "relation", {}, {}};
  const auto add = [&](std::string name, const std::string& pointer) {
    TableRow row{std::move(name), {}};
    for (const std::string& arm : results.arms())
      row.values.push_back(estimate_of(results, arm, pointer, 100));
    table.rows.push_back(std::move(row));
  };
  for (const std::string& arm : results.arms()) table.columns.push_back({arm, 1});
  for (const Relation relation : kRelations)
    add(std::string(name_of(relation)), fmt::format("/relations/{}", name_of(relation)));
  add("mean", "/accuracy");
  return table;
}

std::vector<std::string> arm_notes(const Results& results) {
  std::vector<std::string> out;
  for (const std::string& arm : results.arms())
    out.push_back(
        fmt::format("{}: {}", arm, results.measures(arm).front().at("shape").get<std::string>()));
  return out;
}

Plot relation_plot(const Results& results, std::string title) {
  Plot plot{.title = std::move(title),
            .about =
                "Held-out accuracy of each arm for each relation of the micro-world, with 95 "
                "% intervals.",
            .x_label = "relation",
            .y_label = "held-out accuracy, %",
            .lines = false,
            .y_low = 0,
            .y_high = 100};
  for (const Relation relation : kRelations) plot.categories.emplace_back(name_of(relation));
  plot.categories.emplace_back("mean");
  const Table table = relation_table(results);
  for (std::size_t arm = 0; arm < results.arms().size(); ++arm) {
    PlotSeries series{results.arms()[arm], {}};
    for (std::size_t i = 0; i < plot.categories.size(); ++i) {
      const Estimate& e = table.rows[i].values[arm];
      series.points.push_back({static_cast<double>(i), e.mean, e.half_width});
    }
    plot.series.push_back(std::move(series));
  }
  return plot;
}

}  // namespace headlight
