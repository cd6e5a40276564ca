#include "app/site.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <string>
#include <utility>

#include "app/errors.h"
#include "app/web_assets.h"

namespace headlight::app {
namespace {

bool is_api(const HttpRequest& request) {
  return request.path.starts_with("/api/");
}

LabRequest lab_request(const HttpRequest& request) {
  LabRequest out{
      request.method == "POST", request.path, {}, request.body, request.method == "DELETE"};
  for (const auto& [name, value] : request.parameters)
    check_request(out.query.emplace(name, value).second, "http", "the parameter \"{}\" came twice",
                  printable(name));
  return out;
}

HttpResponse asset(const HttpRequest& request) {
  const std::string path = request.path == "/" ? "/index.html" : request.path;
  const auto assets = web_assets();
  const auto it = std::ranges::find(assets, path, &WebAsset::path);
  if (it == assets.end())
    throw RequestError(404, "http", fmt::format("there is nothing at {}", printable(path, 200)));
  if (request.method != "GET" && request.method != "HEAD")
    return http_response(method_refused(path, "GET, HEAD"));
  HttpResponse response;
  response.headers = {{"ETag", std::string(it->etag)}, {"Cache-Control", "no-cache"}};
  if (request.header("if-none-match") == it->etag) {
    response.status = 304;
  } else {
    response.type = it->type;
    response.body = it->body;
  }
  return response;
}

/// Calls answer(); what is thrown is an answer, too.
template <class Answer>
auto answered(const Answer& answer) -> decltype(answer()) {
  try {
    return answer();
  } catch (...) {
    return http_error(std::current_exception());
  }
}

}  // namespace

HttpResponse Site::answer(const HttpRequest& request) {
  return answered([&] {
    if (auto logged_in = admission_.check(request)) return std::move(*logged_in);
    return is_api(request) ? answer_api(request) : asset(request);
  });
}

std::optional<HttpResponse> Site::answer_at_once(const HttpRequest& request) {
  return answered([&]() -> std::optional<HttpResponse> {
    if (auto logged_in = admission_.check(request)) return logged_in;
    if (!is_api(request)) return asset(request);
    auto response = lab_.answer_at_once(lab_request(request));
    if (!response) return std::nullopt;
    return http_response(std::move(*response));
  });
}

HttpResponse Site::answer_api(const HttpRequest& request) {
  const LabRequest asked = lab_request(request);
  std::shared_ptr<EventReader> events = request.method == "GET" ? lab_.read_events(asked) : nullptr;
  if (!events) return http_response(lab_.answer(asked));
  HttpResponse response;
  response.headers = {{"Cache-Control", "no-store"}};
  response.type = "text/event-stream";
  response.events = std::move(events);
  return response;
}

}  // namespace headlight::app
