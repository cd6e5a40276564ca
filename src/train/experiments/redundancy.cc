// How many heads does a trained model need? Heads removed one by one, the least important first:
// Michel, Levy & Neubig 2019, "Are Sixteen Heads Really Better than One?".
#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>

#include "core/error.h"
#include "core/mapped_file.h"
#include "model/tokenizer.h"
#include "train/experiments/experiment_list.h"
#include "train/experiments/micro_world_arm.h"
#include "train/hash.h"
#include "train/micro_world_tokens.h"
#include "train/network.h"
#include "train/random.h"

namespace headlight {
namespace {

constexpr std::int64_t kSentences = 300;  // for importance, and as many others for accuracy
constexpr std::size_t kBatch = 64;
constexpr std::string_view kImportance = "least important first", kRandom = "random order",
                           kReverse = "most important first";

/// A model folder as a network whose heads can be gated.
struct Loaded {
  explicit Loaded(const Folder& folder)
      : layout(read_config(folder)),
        values(layout.make_store()),
        gradients(layout.make_store()),
        network(layout, values, gradients) {
    read_parameters(layout, folder, values);
  }

  std::size_t n_heads() const {
    return static_cast<std::size_t>(layout.config().n_layers * layout.config().n_heads);
  }

  ParameterLayout layout;
  Tensor values, gradients;
  Network network;
};

/// Words of held-out sentences to be named, each alone in its example.
std::vector<Example> questions(const MicroWorldTokens& tokens, std::uint64_t seed,
                               std::int64_t first) {
  const MicroWorld world({.seed = seed, .split = Split::heldout});
  std::vector<Example> out;
  for (std::int64_t i = first; i < first + kSentences; ++i) {
    const MicroSentence sentence = world.sentence(static_cast<std::uint64_t>(i));
    for (const MaskedWord& asked : sentence.masks) out.push_back(tokens.hidden(sentence, asked));
  }
  std::ranges::stable_sort(out, {}, [](const Example& e) { return e.ids.size(); });
  return out;
}

std::vector<Batch> batches_of(const std::vector<Example>& examples, std::size_t size,
                              const ModelConfig& config) {
  std::vector<Batch> out;
  for (std::size_t i = 0; i < examples.size(); i += size)
    out.push_back(pack(std::span(examples).subspan(i, std::min(size, examples.size() - i)),
                       config.max_len, config.vocab_size));
  return out;
}

/// E |dL/dgate| over examples, at gates of 1, by layer divided by the layer's Euclidean norm
/// (Michel et al., section 4.1).
std::vector<double> importance(Loaded& model, const std::vector<Example>& examples) {
  std::vector<double> out(model.n_heads(), 0.0);
  model.network.set_head_gates(std::vector<float>(out.size(), 1.0f));
  for (const Batch& one : batches_of(examples, 1, model.layout.config())) {
    model.network.train(one, 1);
    const auto slopes = model.network.gate_gradients();
    for (std::size_t h = 0; h < out.size(); ++h) out[h] += std::abs(slopes[h]);
  }
  const auto per_layer = static_cast<std::size_t>(model.layout.config().n_heads);
  for (std::size_t layer = 0; layer < out.size(); layer += per_layer) {
    double squares = 0;
    for (std::size_t h = layer; h < layer + per_layer; ++h) squares += out[h] * out[h];
    for (std::size_t h = layer; h < layer + per_layer; ++h) out[h] /= std::sqrt(squares) + 1e-30;
  }
  return out;
}

std::vector<std::size_t> random_order(std::size_t n, std::uint64_t seed) {
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), 0u);
  Random random(seed, RandomUse::heldout, 0);
  for (std::size_t i = n; i > 1; --i)
    std::swap(order[i - 1],
              order[static_cast<std::size_t>(random.below(static_cast<std::int64_t>(i)))]);
  return order;
}

/// The order in which heads go.
std::vector<std::size_t> order_of(Loaded& model, std::string_view arm,
                                  const MicroWorldTokens& tokens, std::uint64_t seed) {
  if (arm == kRandom) return random_order(model.n_heads(), seed);
  const std::vector<double> scores = importance(model, questions(tokens, seed, 0));
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0u);
  std::ranges::stable_sort(order, {}, [&](std::size_t h) { return scores[h]; });
  if (arm == kReverse) std::ranges::reverse(order);
  return order;
}

Json measure(const Folder& folder, std::string_view arm, std::uint64_t seed,
             const TrialControl& control) {
  Loaded model(folder);
  const auto tokenizer = load_tokenizer(folder);
  const MicroWorldTokens tokens(*tokenizer);
  const std::vector<std::size_t> order = order_of(model, arm, tokens, seed);
  const auto batches =
      batches_of(questions(tokens, seed, kSentences), kBatch, model.layout.config());
  std::vector<float> gates(order.size(), 1.0f);
  Json kept = Json::array();  // accuracy with all heads, with all but one ... with none
  double area = 0;
  for (std::size_t removed = 0; removed <= order.size(); ++removed) {
    if (control.should_stop()) return nullptr;
    if (removed > 0) gates[order[removed - 1]] = 0;
    model.network.set_head_gates(gates);
    LossSum sum;
    for (const Batch& batch : batches) sum += model.network.evaluate(batch);
    kept.push_back(sum.accuracy());
    area += sum.accuracy() / static_cast<double>(order.size() + 1);
    control.progress(1);
  }
  return {{"accuracy", kept}, {"order", order}, {"area", area}};
}

/// The most heads of which the mean accuracy without them keeps 95 % of the whole model's.
std::size_t removable(const Results& results, std::string_view arm, std::size_t n) {
  const double whole = estimate_of(results, arm, "/accuracy/0").mean;
  std::size_t removed = 0;
  while (removed < n &&
         estimate_of(results, arm, fmt::format("/accuracy/{}", removed + 1)).mean >= 0.95 * whole)
    ++removed;
  return removed;
}

Table kept_table(const Results& results, std::size_t n) {
  Table table{"held-out accuracy, %", "heads kept", {}, {}};
  for (const std::string& arm : results.arms()) table.columns.push_back({arm});
  for (std::size_t eighth = 0; eighth <= 8; ++eighth) {
    const std::size_t removed = n * eighth / 8;
    TableRow row{fmt::format("{} of {}", n - removed, n), {}};
    for (const std::string& arm : results.arms())
      row.values.push_back(estimate_of(results, arm, fmt::format("/accuracy/{}", removed), 100));
    table.rows.push_back(std::move(row));
  }
  return table;
}

}  // namespace

std::vector<Trial> redundancy_trials(const ExperimentOptions& options) {
  check(!options.model.path().empty(), "experiment",
        "redundancy removes heads of a trained model; name one with --model DIR");
  const ModelConfig config = read_config(options.model);
  check(config.mlm_head, "experiment", "{}: a {} without a head for masked tokens cannot be asked",
        printable(options.model.path().string(), 300), name_of(config.family));
  Hash weights;
  weights.add(options.model.text("model.safetensors"));
  std::vector<Trial> out;
  for (std::int64_t seed = 1; seed <= options.seeds; ++seed)
    for (const std::string_view arm : {kImportance, kRandom, kReverse}) {
      const auto number = static_cast<std::uint64_t>(seed);
      Json named = {
          {"model", weights.text()}, {"arm", arm}, {"seed", seed}, {"sentences", kSentences}};
      out.push_back({std::string(arm), number, std::move(named),
                     config.n_layers * config.n_heads + 1,
                     [folder = options.model, arm, number](const TrialControl& control) {
                       return measure(folder, arm, number, control);
                     }});
    }
  return out;
}

ExperimentReport redundancy_report(const Results& results) {
  const std::size_t n = results.measures(kImportance).front().at("accuracy").size() - 1;
  ExperimentReport report;
  report.tables.push_back(kept_table(results, n));
  const std::size_t spare = removable(results, kImportance, n);
  const Estimate gain = difference(results, kImportance, kRandom, "/area");
  report.claims = {
      {"half of the heads can be removed for less than 5 % of the accuracy", 2 * spare >= n,
       fmt::format("{} of {} can, the least important first; {} in random order", spare, n,
                   removable(results, kRandom, n))},
      {"|dL/dgate| tells which: its order keeps more than a random one", gain.low() > 0,
       fmt::format("{} points more, the mean over all numbers of heads, paired by seed",
                   text_of(gain, 1))}};
  report.plot = {.title = "Heads removed one by one from a trained model",
                 .about =
                     "Held-out accuracy against the number of heads that are left, in three "
                     "orders of removal.",
                 .x_label = "heads removed",
                 .y_label = "held-out accuracy, %",
                 .y_low = 0,
                 .y_high = 100};
  for (const std::string& arm : results.arms()) {
    PlotSeries series{arm, {}};
    for (std::size_t removed = 0; removed <= n; ++removed) {
      const Estimate e = estimate_of(results, arm, fmt::format("/accuracy/{}", removed), 100);
      series.points.push_back({static_cast<double>(removed), e.mean, e.half_width});
    }
    report.plot.series.push_back(std::move(series));
  }
  return report;
}

}  // namespace headlight
