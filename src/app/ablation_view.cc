#include "app/ablation_view.h"

#include <algorithm>
#include <set>

#include "app/errors.h"
#include "app/json_view.h"
#include "inspect/concat.h"

namespace headlight::app {
namespace {

constexpr std::size_t kMostPredictions = 5;

std::vector<AblatedHead> heads_of(const ModelConfig& c, const AblationRequest& request) {
  std::vector<AblatedHead> heads;
  std::set<std::pair<std::int64_t, std::int64_t>> seen;
  for (const auto& [name, gate] : request.heads) {
    check_request(gate >= 0 && gate <= 1, "ablation", "gate {} of head {} is not in [0, 1]", gate,
                  printable(name));
    const bool all = name.ends_with(".*");
    const auto [layer, first] = named_head(c, all ? name.substr(0, name.size() - 1) + "0" : name);
    for (std::int64_t h = first; h <= (all ? c.n_heads - 1 : first); ++h) {
      check_request(seen.emplace(layer, h).second, "ablation", "head {}.{} is named twice", layer,
                    h);
      heads.push_back({layer, h, static_cast<float>(gate)});
    }
  }
  return heads;
}

bool is_mask(const Token& token) {
  return token.piece == "[MASK]" || token.piece == "<mask>";
}

std::int64_t query_of(const std::vector<Token>& tokens, const AblationRequest& request) {
  if (request.query) {
    check_request(0 <= *request.query && *request.query < std::ssize(tokens), "ablation",
                  "query {} is not in [0, {})", *request.query, tokens.size());
    return *request.query;
  }
  const auto mask = std::ranges::find_if(tokens, is_mask);
  return mask != tokens.end() ? mask - tokens.begin() : default_query(tokens);
}

std::int64_t layer_of(const ModelConfig& c, const AblationRequest& request,
                      const std::vector<AblatedHead>& heads) {
  if (request.layer) {
    check_request(0 <= *request.layer && *request.layer < c.n_layers, "ablation",
                  "layer {} is not in [0, {})", *request.layer, c.n_layers);
    return *request.layer;
  }
  return heads.empty() ? 0 : std::ranges::min(heads, {}, &AblatedHead::layer).layer;
}

/// Mean z over the corpus, or over the intact run when there is none.
Tensor mean_for(const LoadedModel& model, const ModelRun& intact, const AblationRequest& request,
                std::string_view kernel) {
  MeanZ mean(model.info.config);
  if (request.corpus.empty()) mean.add(intact.trace);
  for (const std::string& text : request.corpus) {
    Input input;
    input.text = text;
    mean.add(record_trace(model.transformer, tokens_of(model, input), text, {.kernel = kernel}));
  }
  return mean.mean();
}

std::span<const float> row_of(const Tensor& tensor, std::int64_t row) {
  const auto width = static_cast<std::size_t>(tensor.dim(1));
  return tensor.span<float>().subspan(static_cast<std::size_t>(row) * width, width);
}

std::optional<PredictionChange> predictions_of(const Transformer& model,
                                               const AblationOutcome& outcome) {
  if (!model.has_logits()) return std::nullopt;
  const std::int64_t d_model = model.config().d_model;
  Tensor hidden({3, d_model});
  auto to = hidden.span<float>().begin();
  for (const Tensor* each :
       {&outcome.intact->last_hidden, &outcome.after.last_hidden, &outcome.direct})
    to = std::ranges::copy(row_of(*each, outcome.query), to).out;
  const Tensor logits = model.logits(hidden);
  return prediction_change(row_of(logits, 0), row_of(logits, 1), row_of(logits, 2),
                           kMostPredictions);
}

Json json_change(const VectorChange& change) {
  return {{"cosine", json_number(change.cosine)},
          {"norm_before", json_number(change.norm_before)},
          {"norm_after", json_number(change.norm_after)},
          {"difference", json_number(change.difference)}};
}

Json json_changes(const Tensor& before, const Tensor& after) {
  Json out = Json::array();
  for (const VectorChange& change : row_changes(before, after)) out.push_back(json_change(change));
  return out;
}

/// How far the residual stream after each block moved: at the query, and on average over the tokens
/// in parts of what it was.
Json json_layers(const AblationOutcome& outcome) {
  Json out = Json::array();
  for (std::size_t l = 0; l < outcome.intact->trace.layers.size(); ++l) {
    const auto changes = changes_of_layer(outcome, l);
    double sum = 0;
    for (const VectorChange& each : changes)
      if (each.norm_before > 0) sum += each.difference / each.norm_before;
    out.push_back(
        {{"layer", l},
         {"query", json_change(changes[static_cast<std::size_t>(outcome.query)])},
         {"mean_relative_difference", json_number(sum / static_cast<double>(changes.size()))}});
  }
  return out;
}

/// Norms of what each source token gives the query through the heads of the block. What stands in
/// for a replaced head comes from no token of this text and is left out.
Json json_source_norms(const LoadedModel& model, const Trace& trace, const AblationOutcome& outcome,
                       std::span<const float> gates) {
  const Tensor sources =
      source_contributions(model.transformer, trace, outcome.layer, outcome.query, gates);
  Json out = Json::array();
  for (std::int64_t j = 0; j < trace.length(); ++j) {
    const auto row = row_of(sources, j);
    out.push_back(json_number(vector_change(row, row).norm_before));
  }
  return out;
}

/// The attention output of the block that is looked at, at the query.
Json json_block(const LoadedModel& model, const AblationOutcome& outcome) {
  const Trace& intact = outcome.intact->trace;
  const Trace& after = trace_at(outcome.after, *outcome.intact, outcome.layer);
  const auto out_of = [&](const Trace& trace) {
    return row_of(trace.layers[static_cast<std::size_t>(outcome.layer)].out, outcome.query);
  };
  std::vector<float> gates(static_cast<std::size_t>(model.info.config.n_heads), 1.0f);
  for (const AblatedHead& head : outcome.heads)
    if (head.layer == outcome.layer) gates[static_cast<std::size_t>(head.head)] = head.gate;
  return {{"layer", outcome.layer},
          {"out", json_numbers(out_of(after))},
          {"change", json_change(vector_change(out_of(intact), out_of(after)))},
          {"sources",
           {{"before", json_source_norms(model, intact, outcome, {})},
            {"after", json_source_norms(model, after, outcome, gates)}}}};
}

Json json_predictions(const LoadedModel& model, const PredictionChange& change) {
  const auto list = [&](const std::vector<Prediction>& predictions) {
    Json out = Json::array();
    for (const Prediction& each : predictions)
      out.push_back({{"id", each.id},
                     {"piece", piece_of(model, each.id)},
                     {"before", json_number(each.before)},
                     {"after", json_number(each.after)},
                     {"direct", json_number(each.direct)}});
    return out;
  };
  return {{"kl_after", json_number(change.kl_after)},
          {"kl_direct", json_number(change.kl_direct)},
          {"best", list(change.best)},
          {"lost", list(change.lost)},
          {"gained", list(change.gained)}};
}

}  // namespace

std::optional<Replacement> parse_replacement(std::string_view name) {
  for (const Replacement each : {Replacement::zero, Replacement::mean, Replacement::resample})
    if (name == name_of(each)) return each;
  return std::nullopt;
}

std::vector<VectorChange> changes_of_layer(const AblationOutcome& outcome, std::size_t layer) {
  const Trace& after = trace_at(outcome.after, *outcome.intact, static_cast<std::int64_t>(layer));
  return row_changes(outcome.intact->trace.layers[layer].resid_post,
                     after.layers[layer].resid_post);
}

AblationOutcome run_ablation(const LoadedModel& model, const ModelRun& intact,
                             const AblationRequest& request, std::string_view kernel) {
  const ModelConfig& c = model.info.config;
  AblationOutcome out;
  out.heads = heads_of(c, request);
  out.replacement = request.replacement;
  out.query = query_of(intact.trace.tokens, request);
  out.layer = layer_of(c, request, out.heads);
  out.intact = &intact;

  Ablation ablation{.heads = out.heads, .replacement = out.replacement};
  Tensor mean;
  ModelRun other;
  if (out.replacement == Replacement::mean) {
    mean = mean_for(model, intact, request, kernel);
    ablation.mean = mean;
  }
  if (out.replacement == Replacement::resample) {
    other = record_run(model.transformer, tokens_of(model, request.other), request.other.text,
                       {.kernel = kernel});
    ablation.other = &other;
  }
  out.after = run_ablated(model.transformer, intact, ablation, kernel);
  out.direct = estimate_directly(model.transformer, intact, ablation);
  out.predictions = predictions_of(model.transformer, out);
  return out;
}

Json json_ablation(const LoadedModel& model, const AblationOutcome& outcome) {
  Json heads = Json::array();
  for (const auto& [layer, head, gate] : outcome.heads)
    heads.push_back({{"layer", layer}, {"head", head}, {"gate", json_number(gate)}});
  Json predictions;  // null for a model without a head
  if (outcome.predictions) predictions = json_predictions(model, *outcome.predictions);
  return {{"how", name_of(outcome.replacement)},
          {"heads", std::move(heads)},
          {"query", outcome.query},
          {"final",
           {{"after", json_changes(outcome.intact->last_hidden, outcome.after.last_hidden)},
            {"direct", json_changes(outcome.intact->last_hidden, outcome.direct)}}},
          {"layers", json_layers(outcome)},
          {"block", json_block(model, outcome)},
          {"predictions", std::move(predictions)},
          {"attention", to_string(outcome.after.trace.attention)}};
}

}  // namespace headlight::app
