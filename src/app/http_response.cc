#include "app/http_response.h"

#include <array>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/http/chunk_encode.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/serializer.hpp>
#include <string_view>
#include <utility>

namespace headlight::app {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;

constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kAlways = {{
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
     "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self' "
     "http://localhost:* http://127.0.0.1:*"},
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
}};

beast::string_view view(std::string_view text) {
  return {text.data(), text.size()};
}

/// The bytes of a head: the body goes another way.
std::string text_of(http::response<http::empty_body>& head) {
  http::response_serializer<http::empty_body> serializer(head);
  serializer.split(true);
  std::string text;
  beast::error_code error;
  serializer.next(error, [&text](beast::error_code&, const auto& buffers) {
    text = beast::buffers_to_string(buffers);
  });
  return text;
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
  http::response<http::empty_body> head(static_cast<http::status>(response.status), kHttp11);
  for (const auto& [name, value] : kAlways) head.insert(view(name), view(value));
  for (const auto& [name, value] : response.headers) head.insert(name, value);
  head.keep_alive(keep);
  if (!response.type.empty()) head.set(http::field::content_type, response.type);
  if (response.events)
    head.chunked(true);
  else if (response.status != 304)
    head.content_length(response.body.size());
  return text_of(head);
}

std::string chunk_of(std::string_view text) {
  if (text.empty()) return beast::buffers_to_string(http::make_chunk_last());
  return beast::buffers_to_string(http::make_chunk(boost::asio::buffer(text.data(), text.size())));
}

}  // namespace headlight::app
