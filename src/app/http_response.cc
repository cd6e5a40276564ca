#include "app/http_response.h"

#include <fmt/format.h>

#include <iterator>
#include <utility>

namespace headlight::app {
namespace {

constexpr std::string_view kAlways =
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self' http://localhost:* http://127.0.0.1:*\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "Cross-Origin-Opener-Policy: same-origin\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\n";

std::string_view reason_of(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 304:
      return "Not Modified";
    case 429:
      return "Too Many Requests";
    default:
      return status < 500 ? "Refused" : "Failed";
  }
}

}  // namespace

HttpResponse http_response(LabResponse from) {
  HttpResponse to{.status = from.status,
                  .headers = {{"Cache-Control", "no-store"}},
                  .type = std::move(from.type),
                  .body = std::move(from.body)};
  if (!from.shape.empty()) to.headers.emplace_back("X-Shape", from.shape);
  if (!from.rows_read.empty()) to.headers.emplace_back("X-Rows-Read", from.rows_read);
  if (!from.allow.empty()) to.headers.emplace_back("Allow", from.allow);
  if (from.status == 401) to.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"headlight\"");
  if (from.status == 429) to.headers.emplace_back("Retry-After", "1");
  return to;
}

HttpResponse http_error(std::exception_ptr thrown) {
  return http_response(error_response(std::move(thrown)));
}

std::string head_of(const HttpResponse& response, bool keep) {
  std::string head;
  head.reserve(1024);
  const auto out = std::back_inserter(head);
  fmt::format_to(out, "HTTP/1.1 {} {}\r\n{}", response.status, reason_of(response.status), kAlways);
  for (const auto& [name, value] : response.headers) fmt::format_to(out, "{}: {}\r\n", name, value);
  if (!keep) head += "Connection: close\r\n";
  if (!response.type.empty()) fmt::format_to(out, "Content-Type: {}\r\n", response.type);
  if (response.events)
    head += "Transfer-Encoding: chunked\r\n";
  else if (response.status != 304)
    fmt::format_to(out, "Content-Length: {}\r\n", response.body.size());
  head += "\r\n";
  return head;
}

std::string chunk_of(std::string_view text) {
  return fmt::format("{:x}\r\n{}\r\n", text.size(), text);
}

}  // namespace headlight::app
