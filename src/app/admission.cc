#include "app/admission.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "app/errors.h"

namespace headlight::app {
namespace {

constexpr std::string_view kToken = "token";

bool is_token(const HttpFields::value_type& parameter) {
  return parameter.first == kToken;
}

/// A page of another site can make its reader's browser get what is not for it to read, by an image
/// or a frame, without an Origin: the answer is lost on it, but was computed. Browsers say so (W3C
/// Fetch Metadata). The page itself may be linked and framed from elsewhere.
bool is_asked_by_another_site(const HttpRequest& request) {
  const std::string_view site = request.header("sec-fetch-site");
  return request.path.starts_with("/api/") && !site.empty() && site != "same-origin" &&
         site != "none";
}

/// The query as it came, without the pairs that give a token.
std::string without_token(std::string_view query) {
  std::string rest;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.empty() || std::ranges::any_of(read_query(pair), is_token)) continue;
    rest += rest.empty() ? '?' : '&';
    rest += pair;
  }
  return rest;
}

}  // namespace

Admission::Admission(RequestGuard guard, std::optional<AccessToken> token, std::string cookie)
    : guard_(std::move(guard)), token_(std::move(token)), cookie_(std::move(cookie)) {}

std::optional<HttpResponse> Admission::check(const HttpRequest& request) const {
  check_origin(request);
  if (!token_) return std::nullopt;
  if (request.method == "GET" && request.path == "/" &&
      std::ranges::any_of(request.parameters, is_token))
    return log_in(request);
  check_token(request);
  return std::nullopt;
}

void Admission::check_origin(const HttpRequest& request) const {
  const std::string_view host = request.header("host");
  if (request.count("host") != 1 || !guard_.host_is_ours(host))
    throw RequestError(403, "http",
                       fmt::format("this server is not called \"{}\"; use the address it printed",
                                   printable(host)));
  const bool foreign =
      request.count("origin") > 0 && !guard_.origin_is_ours(request.header("origin"));
  if (foreign || is_asked_by_another_site(request))
    throw RequestError(403, "http", "requests from other sites' pages are not answered");
}

void Admission::check_token(const HttpRequest& request) const {
  const bool shown = token_->is_borne_by(request.header("authorization")) ||
                     token_->is_cookie(request.header("cookie"), cookie_);
  if (!shown)
    throw RequestError(401, "http",
                       "this lab asks for a token; open the address that it printed, or send "
                       "the header \"Authorization: Bearer TOKEN\"");
}

/// The page refreshes itself instead of being redirected by its status: browsers leave a strict
/// cookie out of a redirect that began with a link on another site, where classes find their links.
HttpResponse Admission::log_in(const HttpRequest& request) const {
  const auto given = std::ranges::find_if(request.parameters, is_token);
  if (std::ranges::count_if(request.parameters, is_token) != 1 || !token_->is(given->second))
    throw RequestError(401, "http",
                       "this is not the token of this lab; use the address that it printed");
  return {.headers = {{"Set-Cookie", fmt::format("{}={}; Path=/; HttpOnly; SameSite=Strict",
                                                 cookie_, token_->text())},
                      {"Cache-Control", "no-store"},
                      {"Refresh", fmt::format("0; url=/{}", without_token(request.query))}},
          .type = "text/html; charset=utf-8",
          .body = "<!doctype html><title>Headlight</title>"};
}

}  // namespace headlight::app
