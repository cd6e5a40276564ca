#include "app/lab.h"

#include <algorithm>
#include <random>
#include <set>

#include "app/errors.h"
#include "app/export_page.h"
#include "app/json_view.h"
#include "app/layer_timing.h"
#include "app/long_view.h"
#include "app/model_records.h"
#include "app/openapi.h"
#include "app/parse.h"
#include "app/predictions_view.h"
#include "app/statistics_view.h"
#include "app/version.h"
#include "inspect/columns.h"

namespace headlight::app {
namespace {

constexpr std::string_view kApi = "/api/v1/";
constexpr std::string_view kTraces = "traces";
constexpr std::string_view kAblations = "ablations";
constexpr std::string_view kTrainings = "trainings";
constexpr std::string_view kEvents = "/events";
constexpr std::int64_t kMostPatternBytes = std::int64_t{256} << 20;
constexpr std::int64_t kMostThumbnail = 64;
constexpr std::int64_t kMostPredictions = 100;

LabResponse openapi_response() {
  LabResponse response;
  response.body = openapi();
  return response;
}

std::size_t bytes_of(const Trace& trace) {
  std::size_t bytes = trace.text.size() + trace.tokens.size() * (sizeof(Token) + sizeof(Json));
  for (const TracedLayer& l : trace.layers)
    for (const Tensor* t : {&l.q, &l.k, &l.v, &l.z, &l.lse, &l.out, &l.resid_pre, &l.resid_post})
      bytes += t->bytes();
  return bytes;
}

LabResponse export_response(Lab& lab, const LabRequest& request, std::string_view id,
                            const Trace& trace, std::optional<ExportAgainst> against) {
  ExportView view{.trace = std::string(id), .against = std::move(against)};
  view.layer = index_parameter(request, "layer", trace.config.n_layers);
  view.query = index_parameter(request, "query", trace.length());
  if (const auto search = request.query.find("search"); search != request.query.end())
    view.search = search->second;
  LabResponse response;
  response.type = "text/html; charset=utf-8";
  response.body = export_page(lab, view);
  return response;
}

[[noreturn]] void refuse_path(std::string_view path) {
  throw RequestError(404, "http", fmt::format("there is nothing at {}", printable(path, 200)));
}

[[noreturn]] void refuse_model(std::string_view name) {
  throw RequestError(404, "model", fmt::format("there is no model \"{}\" here", printable(name)));
}

}  // namespace

LabResponse error_response(std::exception_ptr thrown) {
  const Failure failure = describe(thrown);
  LabResponse response =
      json_response({{"error", {{"op", failure.op}, {"message", failure.message}}}});
  response.status = failure.http_status;
  return response;
}

Json json_of(const LabResponse& response, std::string_view op) {
  Json json = Json::parse(response.body);
  if (response.status != 200)
    throw RequestError(response.status, op, json["error"]["message"].get<std::string>());
  return json;
}

Lab::Lab(LabOptions options)
    : options_(std::move(options)),
      traces_(options_.trace_bytes),
      long_traces_(options_.long_bytes),
      models_(options_.model_bytes),
      id_prefix_(fmt::format("t{:08x}-", std::random_device{}())),
      queue_(options_.most_waiting) {
  if (options_.default_model) survey_model(*options_.default_model);
}

LabResponse Lab::answer(const LabRequest& request) {
  try {
    return route(request);
  } catch (...) {
    return error_response(std::current_exception());
  }
}

LabResponse Lab::route(const LabRequest& request) {
  std::string_view path = request.path;
  if (!path.starts_with(kApi)) refuse_path(path);
  path.remove_prefix(kApi.size());
  if (path == kTrainings || path.starts_with("trainings/"))
    return json_response(trainings_.answer(request, path.substr(kTrainings.size())));
  if (path == kTraces && request.post) return post_trace(request);
  if (path == kAblations && request.post) return post_ablation(request);
  if (request.post || request.remove || path == kTraces || path == kAblations)
    throw RequestError(405, "http", fmt::format("{} is for the other method", request.path));
  if (path == "health") return json_response({{"status", "ok"}, {"version", kVersion}});
  if (path == "openapi.json") return openapi_response();
  if (path == "models") return list_models();
  if (path == "layer_time") return layer_time(request);
  if (path == "abilities") return abilities(request);
  if (path == "emergence") return emergence(request);
  if (!path.starts_with("traces/")) refuse_path(request.path);
  path.remove_prefix(kTraces.size() + 1);
  const std::size_t slash = std::min(path.find('/'), path.size());
  return answer_trace(request, path.substr(0, slash), path.substr(slash));
}

std::unique_ptr<EventReader> Lab::read_events(const LabRequest& request) {
  std::string_view path = request.path;
  for (const std::string_view part : {kApi, kTrainings, std::string_view("/")}) {
    if (!path.starts_with(part)) return nullptr;
    path.remove_prefix(part.size());
  }
  if (!path.ends_with(kEvents)) return nullptr;
  path.remove_suffix(kEvents.size());
  constexpr std::int64_t kLast = std::int64_t{1} << 53;
  const auto seen =
      request.query.contains("after") ? integer_parameter(request, "after", 0, kLast) : 0;
  return trainings_.read(path, static_cast<std::size_t>(seen));
}

LabResponse Lab::answer_trace(const LabRequest& request, std::string_view id,
                              std::string_view part) {
  if (const auto kept = long_traces_.get(id)) return answer_long_trace(request, id, part, *kept);
  const auto kept = kept_trace(id);
  if (is_long_view(part)) return queue_.run([&] { return long_view(request, part, kept->trace); });
  if (part.empty()) return json_response(json_trace(id, kept->info, kept->trace));
  if (part == "/rows") return rows(request, *kept);
  if (part == "/pattern") return pattern(request, *kept);
  if (part == "/overview") return overview(request, *kept);
  if (part == "/concat") return concat(request, *kept);
  if (part == "/statistics")
    return queue_.run([&] { return json_response(json_statistics(kept->trace)); });
  if (part == "/columns") return columns(request, *kept);
  if (part == "/value_norms") return value_norms(request, *kept);
  if (part == "/predictions") return predictions(request, *kept);
  if (part == "/export") {
    check_request(!kept->gated, "export", "trace \"{}\" was made with gates; post its text again",
                  printable(id));
    return export_response(*this, request, id, kept->trace, export_against(request));
  }
  if (part == "/values") return values(request, *kept);
  if (part == "/w_o") return w_o(request, *kept);
  refuse_path(request.path);
}

std::optional<ExportAgainst> Lab::export_against(const LabRequest& request) {
  const auto against = request.query.find("against");
  if (against == request.query.end()) return {};
  const auto kept = kept_trace(against->second);
  return ExportAgainst{.trace = against->second,
                       .layer = index_parameter(request, "layer2", kept->trace.config.n_layers),
                       .query = index_parameter(request, "query2", kept->trace.length()),
                       .gates = gates_of(*kept->gates)};
}

LabResponse Lab::post_trace(const LabRequest& request) {
  const TraceRequest asked = read_trace_request(request.body);
  if (asked.is_long) return post_long_trace(asked);
  const ModelFolder folder = find_model(asked.model);
  auto kept = queue_.run([&] {
    const auto model = loaded(folder);
    HeadGates gates(model->info.config);
    for (const auto& [name, value] : asked.gates) set_gate(gates, model->info.config, name, value);
    auto kept_trace = std::make_shared<KeptTrace>();
    kept_trace->info = model->info;
    kept_trace->gated = !gates.all_open();
    kept_trace->gates = gates;
    std::vector<Token> tokens = tokens_of(*model, asked.input);
    check_request(std::ssize(tokens) <= kMostWholeTokens, "trace",
                  "{} tokens are more than the {} of a trace that keeps everything; post it with "
                  "\"long\": true",
                  tokens.size(), kMostWholeTokens);
    kept_trace->trace = record_trace(model->transformer, std::move(tokens), asked.input.text,
                                     {.head_gates = &gates, .kernel = options_.kernel});
    return kept_trace;
  });
  const std::string id = new_trace_id();
  LabResponse response = json_response(json_trace(id, kept->info, kept->trace));
  const std::size_t bytes = bytes_of(kept->trace);
  traces_.put(id, std::move(kept), bytes);
  return response;
}

LabResponse Lab::post_long_trace(const TraceRequest& asked) {
  const ModelFolder folder = find_model(asked.model);
  auto kept = queue_.run([&] {
    const auto model = loaded(folder);
    std::vector<Token> tokens = tokens_of(*model, asked.input, longest_text(model->info.config));
    check_long_trace(model->info.config, std::ssize(tokens), options_.long_bytes);
    check_request(asked.past_max_len || std::ssize(tokens) <= model->info.config.max_len, "trace",
                  "{} tokens are more than the {} positions that the model was trained for; "
                  "\"past_max_len\": true goes on, with patterns that it never learned",
                  tokens.size(), model->info.config.max_len);
    LongTrace trace(model->transformer, std::move(tokens), asked.input.text);
    return std::make_shared<KeptLongTrace>(KeptLongTrace{model->info, std::move(trace)});
  });
  const std::string id = new_trace_id();
  LabResponse response = json_response(json_long_trace(id, kept->info, kept->trace));
  const std::size_t bytes = long_trace_bytes(kept->info.config, kept->trace.trace().length());
  long_traces_.put(id, std::move(kept), bytes);
  return response;
}

LabResponse Lab::answer_long_trace(const LabRequest& request, std::string_view id,
                                   std::string_view part, KeptLongTrace& kept) {
  return queue_.run([&] {
    if (part == "/record") {
      const std::int64_t wanted =
          integer_parameter(request, "layers", 1, kept.info.config.n_layers);
      const auto model = loaded({kept.info.name, kept.info.folder});
      if (kept.trace.layers_recorded() < wanted) kept.trace.record_layer(model->transformer);
    }
    if (part.empty() || part == "/record")
      return json_response(json_long_trace(id, kept.info, kept.trace));
    check_request(is_long_view(part), "trace",
                  "trace \"{}\" is a long one: it has a map, tokens, find and strongest, but keeps "
                  "nothing else",
                  printable(id));
    return long_view(request, part, kept.trace.trace());
  });
}

LabResponse Lab::post_ablation(const LabRequest& request) {
  const PostedAblation posted = read_ablation_request(request.body);
  const auto kept = kept_trace(posted.trace);
  check_request(!kept->gated, "ablation",
                "trace \"{}\" was made with gates; post its text again without any",
                printable(posted.trace));
  return queue_.run([&] {
    const auto model = loaded({kept->info.name, kept->info.folder});
    const Trace& trace = kept->trace;
    const AblationOutcome outcome =
        run_ablation(*model, trace.tokens, trace.text, posted.request, options_.kernel);
    return json_response(json_ablation(*model, outcome));
  });
}

LabResponse Lab::rows(const LabRequest& request, const KeptTrace& kept) {
  const std::int64_t layer = index_parameter(request, "layer", kept.trace.config.n_layers);
  const std::int64_t query = index_parameter(request, "query", kept.trace.length());
  return queue_.run([&] { return json_response(json_rows(kept.trace, layer, query)); });
}

LabResponse Lab::pattern(const LabRequest& request, const KeptTrace& kept) {
  const Trace& trace = kept.trace;
  const std::int64_t layer = index_parameter(request, "layer", trace.config.n_layers);
  const std::int64_t head = index_parameter(request, "head", trace.config.n_heads);
  const auto it = request.query.find("rows");
  const std::string wanted = it == request.query.end() ? ":" : it->second;
  const auto range = parse_rows(wanted, trace.length());
  check_request(range.has_value(), "request",
                "rows \"{}\" are not in the trace; write a:b with 0 <= a < b <= {}",
                printable(wanted, 40), trace.length());
  const std::int64_t most = std::max<std::int64_t>(1, kMostPatternBytes / 4 / trace.length());
  check_request(range->end - range->begin <= most, "request",
                "{} rows are more than the {} that one answer may hold; ask for fewer",
                range->end - range->begin, most);
  return queue_.run([&] {
    const Tensor rows = pattern_rows(trace, layer, head, range->begin, range->end);
    return tensor_response(rows.span<float>(), rows.shape());
  });
}

LabResponse Lab::overview(const LabRequest& request, const KeptTrace& kept) {
  const Trace& trace = kept.trace;
  const std::int64_t wanted = request.query.contains("size")
                                  ? integer_parameter(request, "size", 1, kMostThumbnail)
                                  : kMostThumbnail;
  const std::int64_t size = std::min(wanted, trace.length());
  const ModelConfig& c = trace.config;
  return queue_.run([&] {
    std::vector<float> cells;
    for (std::int64_t l = 0; l < c.n_layers; ++l)
      for (std::int64_t h = 0; h < c.n_heads; ++h) {
        const Tensor thumbnail = pattern_thumbnail(trace, l, h, size);
        const auto values = thumbnail.span<float>();
        cells.insert(cells.end(), values.begin(), values.end());
      }
    return tensor_response(cells, {c.n_layers, c.n_heads, size, size});
  });
}

LabResponse Lab::concat(const LabRequest& request, const KeptTrace& kept) {
  const std::int64_t layer = index_parameter(request, "layer", kept.trace.config.n_layers);
  const std::int64_t query = index_parameter(request, "query", kept.trace.length());
  return queue_.run([&] {
    const auto model = loaded({kept.info.name, kept.info.folder});
    return json_response(json_concat(model->transformer, kept.trace, layer, query));
  });
}

LabResponse Lab::columns(const LabRequest& request, const KeptTrace& kept) {
  const std::int64_t layer = index_parameter(request, "layer", kept.trace.config.n_layers);
  const std::int64_t key = index_parameter(request, "key", kept.trace.length());
  return queue_.run([&] {
    const Tensor columns = pattern_columns(kept.trace, layer, key);
    return tensor_response(columns.span<float>(), columns.shape());
  });
}

LabResponse Lab::value_norms(const LabRequest& request, const KeptTrace& kept) {
  const std::int64_t layer = index_parameter(request, "layer", kept.trace.config.n_layers);
  return queue_.run([&] {
    const auto model = loaded({kept.info.name, kept.info.folder});
    const Tensor norms = headlight::value_norms(model->transformer, kept.trace, layer);
    return tensor_response(norms.span<float>(), norms.shape());
  });
}

LabResponse Lab::predictions(const LabRequest& request, const KeptTrace& kept) {
  const std::int64_t query = index_parameter(request, "query", kept.trace.length());
  const std::int64_t most =
      request.query.contains("top") ? integer_parameter(request, "top", 1, kMostPredictions) : 10;
  return queue_.run([&] {
    const auto model = loaded({kept.info.name, kept.info.folder});
    return json_response(
        json_predictions(*model, kept.trace, &*kept.gates, query, static_cast<std::size_t>(most)));
  });
}

LabResponse Lab::values(const LabRequest& request, const KeptTrace& kept) {
  const ModelConfig& c = kept.trace.config;
  const std::int64_t layer = index_parameter(request, "layer", c.n_layers);
  const std::int64_t head = index_parameter(request, "head", c.n_heads);
  const std::int64_t kv_head = head * c.n_kv_heads / c.n_heads;
  const auto v = kept.trace.layers[static_cast<std::size_t>(layer)].v.span<float>();
  std::vector<float> rows;
  for (std::int64_t j = 0; j < kept.trace.length(); ++j) {
    const auto row = v.subspan(static_cast<std::size_t>((j * c.n_kv_heads + kv_head) * c.head_dim),
                               static_cast<std::size_t>(c.head_dim));
    rows.insert(rows.end(), row.begin(), row.end());
  }
  return tensor_response(rows, {kept.trace.length(), c.head_dim});
}

LabResponse Lab::w_o(const LabRequest& request, const KeptTrace& kept) {
  const ModelConfig& c = kept.trace.config;
  const std::int64_t layer = index_parameter(request, "layer", c.n_layers);
  const std::int64_t head = index_parameter(request, "head", c.n_heads);
  return queue_.run([&] {
    const auto model = loaded({kept.info.name, kept.info.folder});
    const auto size = static_cast<std::size_t>(c.head_dim * c.d_model);
    const float* block = model->transformer.w_o(layer).as<float>() + head * c.head_dim * c.d_model;
    return tensor_response({block, size}, {c.head_dim, c.d_model});
  });
}

LabResponse Lab::layer_time(const LabRequest& request) {
  const auto size = [&](std::string_view name) {
    return integer_parameter(request, name, 1, kMostTimedLength);
  };
  const LayerDimensions asked{
      .d_model = size("d_model"),
      .n_heads = size("n_heads"),
      .n_kv_heads = request.query.contains("n_kv_heads") ? size("n_kv_heads") : size("n_heads"),
      .length = size("length")};
  return queue_.run([&] { return json_response(as_request([&] { return time_layer(asked); })); });
}

LabResponse Lab::list_models() {
  Json models = Json::array();
  for (const ModelInfo& info : known_models()) models.push_back(json_model(info));
  const Json chosen = options_.default_model ? Json(options_.default_model->name) : Json();
  return json_response({{"models", std::move(models)}, {"default", chosen}});
}

LabResponse Lab::abilities(const LabRequest& request) {
  const ModelInfo model = asked_model(request);
  const auto measured = read_abilities(model);
  if (!measured)
    throw RequestError(
        404, "abilities",
        fmt::format("model \"{}\" has no measured abilities", printable(model.name)));
  Json json = to_json(*measured);
  json["model"] = model.name;
  json["roles"] = json_roles(roles_of(*measured));
  return json_response(json);
}

LabResponse Lab::emergence(const LabRequest& request) {
  const ModelInfo model = asked_model(request);
  auto snapshots = read_emergence(model);
  if (!snapshots)
    throw RequestError(
        404, "emergence",
        fmt::format("model \"{}\" has no record of its training", printable(model.name)));
  return json_response({{"model", model.name}, {"snapshots", std::move(*snapshots)}});
}

std::vector<ModelInfo> Lab::known_models() {
  std::vector<ModelFolder> folders;
  if (options_.default_model) folders.push_back(*options_.default_model);
  for (ModelFolder& found : list_known_models()) folders.push_back(std::move(found));

  std::vector<ModelInfo> known;
  std::set<std::string> names;
  const std::lock_guard lock(survey_mutex_);
  for (const ModelFolder& model : folders) {
    if (!names.insert(model.name).second) continue;
    const std::string key = model.folder.path().string();
    try {
      if (!surveyed_.contains(key)) surveyed_.emplace(key, survey_model(model));
      known.push_back(surveyed_.at(key));
    } catch (const std::exception&) {  // `headlight models` says what is wrong with it
    }
  }
  return known;
}

std::shared_ptr<const Lab::KeptTrace> Lab::kept_trace(std::string_view id) {
  auto kept = traces_.get(id);
  if (!kept)
    throw RequestError(404, "trace",
                       fmt::format("trace \"{}\" is not kept (any more); post the "
                                   "text again",
                                   printable(id)));
  return kept;
}

ModelFolder Lab::find_model(const std::string& name) {
  if (options_.default_model && options_.default_model->name == name)
    return *options_.default_model;
  const auto known = known_models();
  const auto it = std::ranges::find(known, name, &ModelInfo::name);
  if (it == known.end()) refuse_model(name);
  return {it->name, it->folder};
}

ModelInfo Lab::asked_model(const LabRequest& request) {
  const auto named = request.query.find("model");
  check_request(named != request.query.end() || options_.default_model.has_value(), "model",
                "the parameter \"model\" is missing");
  const std::string& name =
      named != request.query.end() ? named->second : options_.default_model->name;
  const auto known = known_models();
  const auto it = std::ranges::find(known, name, &ModelInfo::name);
  if (it == known.end()) refuse_model(name);
  return *it;
}

std::shared_ptr<LoadedModel> Lab::loaded(const ModelFolder& folder) {
  const std::string key = folder.folder.path().string();
  if (auto model = models_.get(key)) return model;
  auto model = std::make_shared<LoadedModel>(load_model(folder));
  models_.put(key, model, static_cast<std::size_t>(model->info.n_parameters) * sizeof(float));
  return model;
}

std::string Lab::new_trace_id() {
  return id_prefix_ + std::to_string(next_trace_.fetch_add(1));
}

}  // namespace headlight::app
