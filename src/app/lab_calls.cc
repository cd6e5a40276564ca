#include "app/lab_calls.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "app/errors.h"

namespace headlight::app {
namespace {

constexpr std::string_view kId = "{id}";

std::string_view method_of(const LabRequest& request) {
  return request.post ? "POST" : request.remove ? "DELETE" : "GET";
}

/// What stands for {id} in the path, "" where there is none; nothing when it is another path.
std::optional<std::string_view> match(std::string_view pattern, std::string_view path) {
  const std::size_t at = std::min(pattern.find(kId), pattern.size());
  if (path.substr(0, at) != pattern.substr(0, at)) return std::nullopt;
  pattern.remove_prefix(at);
  path.remove_prefix(std::min(at, path.size()));
  if (pattern.empty()) return path.empty() ? std::optional<std::string_view>("") : std::nullopt;
  pattern.remove_prefix(kId.size());
  const std::string_view id = path.substr(0, path.find('/'));
  if (id.empty() || path.substr(id.size()) != pattern) return std::nullopt;
  return id;
}

}  // namespace

std::span<const Lab::Call> Lab::calls() {
  static constexpr Call kCalls[] = {{"GET", "/api/v1/health", &Lab::health, true},
                                    {"GET", "/api/v1/openapi.json", &Lab::openapi, true},
                                    {"GET", "/api/v1/models", &Lab::models},
                                    {"GET", "/api/v1/abilities", &Lab::abilities},
                                    {"GET", "/api/v1/emergence", &Lab::emergence},
                                    {"GET", "/api/v1/layer_time", &Lab::layer_time},
                                    {"POST", "/api/v1/ablations", &Lab::post_ablation},
                                    {"POST", "/api/v1/traces", &Lab::post_trace},
                                    {"GET", "/api/v1/traces/{id}", trace_view},
                                    {"GET", "/api/v1/traces/{id}/rows", rows_view},
                                    {"GET", "/api/v1/traces/{id}/pattern", pattern_view},
                                    {"GET", "/api/v1/traces/{id}/overview", overview_view},
                                    {"GET", "/api/v1/traces/{id}/statistics", statistics_view},
                                    {"GET", "/api/v1/traces/{id}/columns", columns_view},
                                    {"GET", "/api/v1/traces/{id}/value_norms", value_norms_view},
                                    {"GET", "/api/v1/traces/{id}/concat", concat_view},
                                    {"GET", "/api/v1/traces/{id}/predictions", predictions_view},
                                    {"GET", "/api/v1/traces/{id}/values", values_view},
                                    {"GET", "/api/v1/traces/{id}/w_o", w_o_view},
                                    {"GET", "/api/v1/traces/{id}/export", &Lab::export_trace},
                                    {"GET", "/api/v1/traces/{id}/record", &Lab::record},
                                    {"GET", "/api/v1/traces/{id}/map", &Lab::long_part},
                                    {"GET", "/api/v1/traces/{id}/tokens", &Lab::long_part},
                                    {"GET", "/api/v1/traces/{id}/find", &Lab::long_part},
                                    {"GET", "/api/v1/traces/{id}/strongest", &Lab::long_part},
                                    {"POST", "/api/v1/trainings", &Lab::trainings},
                                    {"GET", "/api/v1/trainings", &Lab::trainings},
                                    {"GET", "/api/v1/trainings/{id}", &Lab::trainings},
                                    {"DELETE", "/api/v1/trainings/{id}", &Lab::trainings},
                                    {"GET", "/api/v1/trainings/{id}/events", &Lab::trainings}};
  return kCalls;
}

Lab::Asked Lab::find_call(const LabRequest& request) {
  bool there = false;
  for (const Call& call : calls()) {
    const auto id = match(call.path, request.path);
    if (id && call.method == method_of(request)) return {&call, *id};
    there |= id.has_value();
  }
  if (there) return {nullptr, {}};
  throw RequestError(404, "http",
                     fmt::format("there is nothing at {}", printable(request.path, 200)));
}

std::string Lab::methods_at(std::string_view path) {
  std::string methods;
  for (const Call& call : calls())
    if (match(call.path, path)) {
      if (!methods.empty()) methods += ", ";
      methods += call.method;
      if (call.method == "GET") methods += ", HEAD";
    }
  return methods;
}

}  // namespace headlight::app
