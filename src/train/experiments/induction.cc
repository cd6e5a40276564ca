// When do heads begin to copy? Attention-only decoders of one and two layers on repeated random
// sequences: Olsson et al. 2022, "In-context Learning and Induction Heads".
#include <algorithm>

#include "train/emergence.h"
#include "train/experiments/experiment_list.h"
#include "train/experiments/micro_world_arm.h"
#include "train/experiments/repeated_sequences.h"
#include "train/trainer.h"

namespace headlight {
namespace {

constexpr std::int64_t kSteps = 1500, kMoments = 36;
constexpr std::string_view kOne = "1 layer", kTwo = "2 layers";

TrainSettings settings_for(std::int64_t layers, std::uint64_t seed, std::int64_t steps) {
  TrainSettings settings;
  // n_inner 0: attention alone. The longest sequence is what most_before ... add up to.
  settings.model = {{"architectures", {"GPT2LMHeadModel"}},
                    {"model_type", "gpt2"},
                    {"n_layer", layers},
                    {"n_head", 4},
                    {"n_embd", 64},
                    {"n_inner", 0},
                    {"n_positions", RepeatedSizes().max_len()},
                    {"tie_word_embeddings", false}};
  settings.seed = seed;
  settings.steps = steps;
  settings.sequences = 32;
  settings.learning_rate = 3e-3;
  settings.warmup = steps / 20;
  return settings;
}

/// Sums over tokens of second copies: the weight of what came next the first time.
struct Looks {
  std::vector<double> induction;  ///< by head, layer * n_heads + head
  double tokens = 0;
};

/// The position after the first occurrence of the token at `query`, or -1 when it has none before.
std::int64_t successor(const Batch& batch, std::int64_t row, std::int64_t query) {
  const auto ids = std::span(batch.ids).subspan(static_cast<std::size_t>(row));
  for (std::int64_t i = 0; i < query; ++i)
    if (ids[static_cast<std::size_t>(i)] == ids[static_cast<std::size_t>(query)]) return i + 1;
  return -1;
}

void add_looks(Network& network, const Batch& batch, Looks& sums) {
  const ModelConfig& c = network.config();
  sums.induction.resize(static_cast<std::size_t>(c.n_layers * c.n_heads));
  for (const SequenceGroup& group : batch.groups)
    for (std::int64_t s = 0; s < group.count; ++s) {
      const SequenceGroup one{group.row + s * group.length, 1, group.length};
      std::vector<std::pair<std::int64_t, std::int64_t>> asked;  // query, what it should look at
      for (std::int64_t t = 0; t < one.length; ++t)
        if (const std::int64_t to = successor(batch, one.row, t); to >= 0) asked.push_back({t, to});
      sums.tokens += static_cast<double>(asked.size());
      for (std::size_t head = 0; head < sums.induction.size(); ++head) {
        const auto index = static_cast<std::int64_t>(head);
        const Tensor pattern = network.pattern(batch, index / c.n_heads, index % c.n_heads, one);
        const float* weights = pattern.span<float>().data();
        for (const auto& [query, to] : asked)
          sums.induction[head] += weights[query * one.length + to];
      }
    }
}

/// One moment of a run: the best head's scores, and what the model gets right.
Json moment(Trainer& trainer, const std::vector<Batch>& heldout, std::int64_t step) {
  Looks looks;
  LossSum sum;
  for (const Batch& batch : heldout) {
    sum += trainer.network().evaluate(batch);
    add_looks(trainer.network(), batch, looks);
  }
  return {{"step", step},
          {"induction", *std::ranges::max_element(looks.induction) / looks.tokens},
          {"accuracy", sum.accuracy()},
          {"loss", sum.mean()}};
}

/// The largest share of the whole rise of the induction score that falls within a tenth of the
/// steps; 0 when it does not rise.
double abruptness(const Json& moments, std::int64_t steps) {
  const double first = moments.front().at("induction"), last = moments.back().at("induction");
  double most = 0;
  for (const Json& from : moments)
    for (const Json& to : moments)
      if (const std::int64_t apart =
              to.at("step").get<std::int64_t>() - from.at("step").get<std::int64_t>();
          0 < apart && apart <= steps / 10)
        most =
            std::max(most, to.at("induction").get<double>() - from.at("induction").get<double>());
  return last > first ? std::min(most / (last - first), 1.0) : 0;
}

Json measure(const TrainSettings& settings, const TrialControl& control) {
  const RepeatedSequences source({}, settings.seed);
  Trainer trainer(settings, source);
  const std::vector<Batch> heldout = {
      pack(source.heldout().front().examples, trainer.config().max_len, source.vocab_size())};
  const std::vector<std::int64_t> when = log_spaced(settings.steps, kMoments);
  Json moments = Json::array({moment(trainer, heldout, 0)});
  for (std::int64_t step = 1; step <= settings.steps; ++step) {
    if (control.should_stop()) return nullptr;
    trainer.step();
    if (std::ranges::binary_search(when, step)) moments.push_back(moment(trainer, heldout, step));
    control.progress(1);
  }
  return {{"moments", moments},
          {"induction", moments.back().at("induction")},
          {"accuracy", moments.back().at("accuracy")},
          {"abruptness", abruptness(moments, settings.steps)},
          {"parameters", trainer.n_parameters()}};
}

PlotSeries series_of(const Results& results, std::string_view arm, const std::string& key) {
  PlotSeries series{fmt::format("{}: {}", arm, key == "accuracy" ? "accuracy" : "induction score"),
                    {}};
  const Json& moments = results.measures(arm).front().at("moments");
  for (std::size_t i = 1; i < moments.size(); ++i) {  // step 0 has no place on a log axis
    const Estimate e = estimate_of(results, arm, fmt::format("/moments/{}/{}", i, key), 100);
    series.points.push_back({moments[i].at("step").get<double>(), e.mean, e.half_width});
  }
  return series;
}

}  // namespace

std::vector<Trial> induction_trials(const ExperimentOptions& options) {
  const std::int64_t steps = options.steps.value_or(kSteps);
  std::vector<Trial> out;
  for (std::int64_t seed = 1; seed <= options.seeds; ++seed)
    for (const std::int64_t layers : {1, 2}) {
      const TrainSettings settings = settings_for(layers, static_cast<std::uint64_t>(seed), steps);
      Json named = to_json(settings);
      named["data"] = RepeatedSequences({}, settings.seed).fingerprint();
      out.push_back(
          {std::string(layers == 1 ? kOne : kTwo), settings.seed, std::move(named), steps,
           [settings](const TrialControl& control) { return measure(settings, control); }});
    }
  return out;
}

ExperimentReport induction_report(const Results& results) {
  ExperimentReport report;
  Table table{"at the end, on sequences never seen; %",
              "model",
              {{"right"}, {"induction"}, {"in a tenth"}, {"parameters", 0}},
              {}};
  for (const std::string& arm : results.arms())
    table.rows.push_back(
        {arm,
         {estimate_of(results, arm, "/accuracy", 100), estimate_of(results, arm, "/induction", 100),
          estimate_of(results, arm, "/abruptness", 100),
          estimate_of(results, arm, "/parameters")}});
  report.tables.push_back(std::move(table));
  const Estimate one = estimate_of(results, kOne, "/induction", 100);
  const Estimate two = estimate_of(results, kTwo, "/induction", 100);
  const Estimate sudden = estimate_of(results, kTwo, "/abruptness", 100);
  report.claims = {{"two layers of attention grow an induction head (score above 50 %)",
                    two.low() > 50, fmt::format("score of the best head: {} %", text_of(two, 1))},
                   {"one layer does not", one.high() < 50,
                    fmt::format("score of the best head: {} %", text_of(one, 1))},
                   {"it comes suddenly: more than half of the rise within a tenth of the steps",
                    sudden.low() > 50, fmt::format("share of the rise: {} %", text_of(sudden, 1))}};
  report.plot = {.title = "Induction in attention-only models of one and two layers",
                 .about =
                     "Induction score and accuracy of attention-only models over the steps of "
                     "training.",
                 .x_label = "step (logarithmic)",
                 .y_label = "%, on the second copy",
                 .log_x = true,
                 .y_low = 0,
                 .y_high = 100};
  for (const std::string_view arm : {kTwo, kOne})
    for (const char* key : {"induction", "accuracy"})
      report.plot.series.push_back(series_of(results, arm, key));
  return report;
}

}  // namespace headlight
