#include "app/request_framing.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/beast/core/error.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <string>

#include "app/request_guard.h"

namespace headlight::app {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;
/// It stops behind the empty line: what the body is, is somebody else's business.
using HeadParser = http::request_parser<http::empty_body>;

[[noreturn]] void refuse(int status, std::string_view message) {
  throw RequestError(status, "http", message);
}

std::string_view view(beast::string_view text) {
  return {text.data(), text.size()};
}

[[noreturn]] void refuse_syntax(const beast::error_code& error) {
  if (error == http::error::header_limit)
    refuse(431, fmt::format("the head is over {} bytes", kMostHead));
  if (error == http::error::body_limit)
    refuse(413, fmt::format("the body is over {} bytes", kMostBody));
  if (error == http::error::bad_version) refuse(505, "HTTP/1.1 is spoken here, and nothing else");
  refuse(400, fmt::format("this is no request of HTTP/1.1: {}", error.message()));
}

void check_request_line(const HeadParser::value_type& head) {
  constexpr std::array kMethods = {http::verb::get, http::verb::head, http::verb::post,
                                   http::verb::delete_};
  if (std::ranges::find(kMethods, head.method()) == kMethods.end())
    refuse(405, "this method is not answered here");
  const std::string_view target = view(head.target());
  const auto printing = [](unsigned char c) { return c > ' ' && c < 127; };
  if (!target.starts_with('/') || !std::ranges::all_of(target, printing))
    refuse(400, "the request line is not METHOD /path HTTP/1.1");
  if (target.size() > kMostLine)
    refuse(414, fmt::format("the address is over {} bytes", kMostLine));
}

void check_headers(const HeadParser::value_type& head) {
  std::size_t count = 0;
  for (const auto& field : head) {
    if (field.name_string().size() + field.value().size() > kMostLine)
      refuse(431, fmt::format("a header is over {} bytes", kMostLine));
    if (++count > kMostHeaders) refuse(431, fmt::format("there are over {} headers", kMostHeaders));
  }
  if (head.count(http::field::transfer_encoding))
    refuse(411, "send the body as it is, with a Content-Length");
  for (auto [it, end] = head.equal_range(http::field::content_encoding); it != end; ++it)
    if (lower_case(view(it->value())) != "identity")
      refuse(415, "send the body as it is, without a Content-Encoding");
}

void look_at(std::string_view bytes, Framing& framing) {
  HeadParser parser;
  parser.header_limit(kMostHead);
  parser.body_limit(kMostBody);
  beast::error_code error;
  const std::size_t read = parser.put(boost::asio::buffer(bytes.data(), bytes.size()), error);
  if (error == http::error::need_more && bytes.size() <= kMostHead) return;
  if (error == http::error::need_more) error = http::error::header_limit;
  if (error) refuse_syntax(error);
  const auto& head = parser.get();
  check_request_line(head);
  check_headers(head);
  framing.size = read + parser.content_length().value_or(0);
  framing.whole = bytes.size() >= framing.size;
  framing.expects_continue = lower_case(view(head[http::field::expect])) == "100-continue";
}

}  // namespace

Framing frame_request(std::string_view bytes) {
  Framing framing;
  try {
    look_at(bytes, framing);
  } catch (const RequestError& error) {
    framing.refusal = error;
  }
  return framing;
}

}  // namespace headlight::app
