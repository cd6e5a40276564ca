#include "app/lab.h"

#include <random>
#include <utility>

#include "app/errors.h"
#include "app/export_page.h"
#include "app/json_view.h"
#include "app/lab_calls.h"
#include "app/layer_timing.h"
#include "app/long_view.h"
#include "app/model_records.h"
#include "app/openapi.h"
#include "app/version.h"
#include "core/threads.h"

namespace headlight::app {
namespace {

constexpr std::string_view kTrainings = "/api/v1/trainings";
constexpr std::string_view kEvents = "/events";
constexpr std::size_t kPostedBytes = 4 << 20;
constexpr double kAtOnce = 1e-3;  // seconds: others wait no longer for the thread that reads them

std::size_t bytes_of(const ModelRun& run) {
  const Trace& trace = run.trace;
  std::size_t bytes = trace.text.size() + trace.tokens.size() * (sizeof(Token) + sizeof(Json));
  for (const TracedLayer& l : trace.layers)
    for (const Tensor* t : {&l.q, &l.k, &l.v, &l.z, &l.lse, &l.out, &l.resid_pre, &l.resid_post})
      bytes += t->bytes();
  for (const Tensor& each : run.mlp_out) bytes += each.bytes();
  return bytes + run.last_hidden.bytes();
}

ModelFolder folder_of(const ModelInfo& info) {
  return {info.name, info.folder};
}

/// What follows the id in the path of a trace: "/map".
std::string_view part_of(const LabRequest& request) {
  return std::string_view(request.path).substr(request.path.rfind('/'));
}

}  // namespace

Lab::Lab(LabOptions options)
    : options_(std::move(options)),
      models_(options_.default_model, options_.model_bytes),
      traces_(options_.trace_bytes),
      posted_(kPostedBytes),
      long_traces_(options_.long_bytes),
      id_prefix_(fmt::format("t{:08x}-", std::random_device{}())),
      queue_(options_.most_waiting) {}

LabResponse Lab::answer(const LabRequest& request) {
  try {
    const auto [call, id] = find_call(request);
    if (!call) return method_refused(request.path, methods_at(request.path));
    return call->view ? answer_view(call->view, request, id) : (this->*call->answer)(request, id);
  } catch (...) {
    return error_response(std::current_exception());
  }
}

std::optional<LabResponse> Lab::answer_at_once(const LabRequest& request) {
  try {
    const auto [call, id] = find_call(request);
    if (!call || call->at_once) return answer(request);
    if (call->answer == &Lab::post_trace) return same_as_before(request.body);
    if (!call->view || long_traces_.get(id)) return std::nullopt;
    const auto kept = kept_trace(id);
    const ViewWork work = call->view(request, id, *kept);
    if (work.seconds > kAtOnce) return std::nullopt;
    const auto model = work.needs_model ? models_.loaded(folder_of(kept->info)) : nullptr;
    if (work.needs_model && !model) return std::nullopt;
    const ThreadLimit alone(1);  // the other cores have requests of their own
    return work.compute(model.get());
  } catch (...) {
    return error_response(std::current_exception());
  }
}

std::unique_ptr<EventReader> Lab::read_events(const LabRequest& request) {
  std::string_view path = request.path;
  if (!path.starts_with(kTrainings) || !path.ends_with(kEvents)) return nullptr;
  const auto [call, id] = find_call(request);
  constexpr std::int64_t kLast = std::int64_t{1} << 53;
  const auto seen =
      request.query.contains("after") ? integer_parameter(request, "after", 0, kLast) : 0;
  return trainings_.read(id, static_cast<std::size_t>(seen));
}

LabResponse Lab::answer_view(TraceView view, const LabRequest& request, std::string_view id) {
  if (long_traces_.get(id)) return long_part(request, id);
  const auto kept = kept_trace(id);
  const ViewWork work = view(request, id, *kept);
  return queue_.run([&] {
    const auto model = work.needs_model ? models_.load(folder_of(kept->info)) : nullptr;
    return work.compute(model.get());
  });
}

LabResponse Lab::post_trace(const LabRequest& request, std::string_view) {
  const TraceRequest asked = read_trace_request(request.body);
  if (asked.is_long) return post_long_trace(asked);
  const ModelFolder folder = models_.find(asked.model);
  return queue_.run([&] {
    if (auto before = same_as_before(request.body)) return std::move(*before);
    auto kept = make_trace(folder, asked);
    const std::string id = new_trace_id();
    LabResponse response = json_response(json_trace(id, kept->info, kept->trace()));
    const std::size_t bytes = bytes_of(kept->run);
    traces_.put(id, std::move(kept), bytes);
    posted_.put(request.body, std::make_shared<const std::string>(id), request.body.size());
    return response;
  });
}

std::optional<LabResponse> Lab::same_as_before(const std::string& body) {
  const auto id = posted_.get(body);
  const auto kept = id ? traces_.get(*id) : nullptr;
  if (!kept) return std::nullopt;
  return json_response(json_trace(*id, kept->info, kept->trace()));
}

std::shared_ptr<KeptTrace> Lab::make_trace(const ModelFolder& folder, const TraceRequest& asked) {
  const auto model = models_.load(folder);
  HeadGates gates(model->info.config);
  for (const auto& [name, value] : asked.gates) set_gate(gates, model->info.config, name, value);
  std::vector<Token> tokens = tokens_of(*model, asked.input);
  check_request(std::ssize(tokens) <= kMostWholeTokens, "trace",
                "{} tokens are more than the {} of a trace that keeps everything; post it with "
                "\"long\": true",
                tokens.size(), kMostWholeTokens);
  auto kept = std::make_shared<KeptTrace>(model->info, gates);
  kept->run = record_run(model->transformer, std::move(tokens), asked.input.text,
                         {.head_gates = &gates, .kernel = options_.kernel});
  return kept;
}

LabResponse Lab::post_long_trace(const TraceRequest& asked) {
  const ModelFolder folder = models_.find(asked.model);
  auto kept = queue_.run([&] {
    const auto model = models_.load(folder);
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

LabResponse Lab::record(const LabRequest& request, std::string_view id) {
  const auto kept = long_traces_.get(id);
  if (!kept) {
    kept_trace(id);
    throw RequestError(
        404, "trace",
        fmt::format("trace \"{}\" keeps everything; there is nothing to record", printable(id)));
  }
  return queue_.run([&] {
    const std::int64_t wanted = integer_parameter(request, "layers", 1, kept->info.config.n_layers);
    const auto model = models_.load(folder_of(kept->info));
    if (kept->trace.layers_recorded() < wanted) kept->trace.record_layer(model->transformer);
    return json_response(json_long_trace(id, kept->info, kept->trace));
  });
}

LabResponse Lab::long_part(const LabRequest& request, std::string_view id) {
  const std::string_view part = part_of(request);
  const auto kept = long_traces_.get(id);
  if (!kept) {
    const auto whole = kept_trace(id);
    return queue_.run([&] { return long_view(request, part, whole->trace()); });
  }
  return queue_.run([&] {
    if (request.path.ends_with(id))
      return json_response(json_long_trace(id, kept->info, kept->trace));
    check_request(is_long_view(part), "trace",
                  "trace \"{}\" is a long one: it has a map, tokens, find and strongest, but keeps "
                  "nothing else",
                  printable(id));
    return long_view(request, part, kept->trace.trace());
  });
}

LabResponse Lab::post_ablation(const LabRequest& request, std::string_view) {
  const PostedAblation posted = read_ablation_request(request.body);
  const auto kept = kept_trace(posted.trace);
  check_request(!kept->gated(), "ablation",
                "trace \"{}\" was made with gates; post its text again without any",
                printable(posted.trace));
  return queue_.run([&] {
    const auto model = models_.load(folder_of(kept->info));
    const AblationOutcome outcome =
        run_ablation(*model, kept->run, posted.request, options_.kernel);
    return json_response(json_ablation(*model, outcome));
  });
}

LabResponse Lab::export_trace(const LabRequest& request, std::string_view id) {
  check_request(!long_traces_.get(id), "trace", "trace \"{}\" is a long one, which no file holds",
                printable(id));
  const auto kept = kept_trace(id);
  check_request(!kept->gated(), "export", "trace \"{}\" was made with gates; post its text again",
                printable(id));
  ExportView view{.trace = std::string(id), .against = export_against(request)};
  view.layer = index_parameter(request, "layer", kept->trace().config.n_layers);
  view.query = index_parameter(request, "query", kept->trace().length());
  if (const auto search = request.query.find("search"); search != request.query.end())
    view.search = search->second;
  LabResponse response;
  response.type = "text/html; charset=utf-8";
  response.body = export_page(*this, view);
  return response;
}

std::optional<ExportAgainst> Lab::export_against(const LabRequest& request) {
  const auto against = request.query.find("against");
  if (against == request.query.end()) return {};
  const auto kept = kept_trace(against->second);
  return ExportAgainst{.trace = against->second,
                       .layer = index_parameter(request, "layer2", kept->trace().config.n_layers),
                       .query = index_parameter(request, "query2", kept->trace().length()),
                       .gates = gates_of(kept->gates)};
}

LabResponse Lab::health(const LabRequest&, std::string_view) {
  return json_response({{"status", "ok"}, {"version", kVersion}});
}

LabResponse Lab::openapi(const LabRequest&, std::string_view) {
  LabResponse response;
  response.body = app::openapi();
  return response;
}

LabResponse Lab::models(const LabRequest&, std::string_view) {
  Json models = Json::array();
  for (const ModelInfo& info : models_.known()) models.push_back(json_model(info));
  const auto& chosen = models_.default_model();
  return json_response(
      {{"models", std::move(models)}, {"default", chosen ? Json(chosen->name) : Json()}});
}

LabResponse Lab::layer_time(const LabRequest& request, std::string_view) {
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

LabResponse Lab::abilities(const LabRequest& request, std::string_view) {
  const ModelInfo model = models_.asked(request);
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

LabResponse Lab::emergence(const LabRequest& request, std::string_view) {
  const ModelInfo model = models_.asked(request);
  auto snapshots = read_emergence(model);
  if (!snapshots)
    throw RequestError(
        404, "emergence",
        fmt::format("model \"{}\" has no record of its training", printable(model.name)));
  return json_response({{"model", model.name}, {"snapshots", std::move(*snapshots)}});
}

LabResponse Lab::trainings(const LabRequest& request, std::string_view) {
  return json_response(
      trainings_.answer(request, std::string_view(request.path).substr(kTrainings.size())));
}

std::shared_ptr<const KeptTrace> Lab::kept_trace(std::string_view id) {
  auto kept = traces_.get(id);
  if (!kept)
    throw RequestError(404, "trace",
                       fmt::format("trace \"{}\" is not kept (any more); post the "
                                   "text again",
                                   printable(id)));
  return kept;
}

std::string Lab::new_trace_id() {
  return id_prefix_ + std::to_string(next_trace_.fetch_add(1));
}

}  // namespace headlight::app
