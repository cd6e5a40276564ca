#include "app/http_request.h"

#include <algorithm>
#include <boost/beast/core/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <charconv>

#include "app/errors.h"
#include "app/request_guard.h"

namespace headlight::app {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;

/// What comes before the first `separator`, which is taken away with it.
std::string_view take_until(std::string_view& rest, std::string_view separator) {
  const std::size_t end = std::min(rest.find(separator), rest.size());
  const std::string_view taken = rest.substr(0, end);
  rest.remove_prefix(std::min(end + separator.size(), rest.size()));
  return taken;
}

/// RFC 3986, section 2.1; a plus in a query is a space.
std::string decoded(std::string_view text, bool in_query) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      unsigned char byte = 0;
      const std::string_view code = text.substr(i + 1, 2);
      const auto [end, error] = std::from_chars(code.data(), code.data() + code.size(), byte, 16);
      const bool two_digits = error == std::errc() && code.size() == 2 && end == &code[0] + 2;
      check_request(two_digits, "http", "the address holds \"%{}\", which is no byte's code",
                    printable(code, 10));
      c = static_cast<char>(byte);
      i += 2;
    } else if (c == '+' && in_query) {
      c = ' ';
    }
    out += c;
  }
  return out;
}

}  // namespace

std::size_t HttpRequest::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::ranges::count(headers, name, &HttpFields::value_type::first));
}

std::string_view HttpRequest::header(std::string_view name) const {
  const auto it = std::ranges::find(headers, name, &HttpFields::value_type::first);
  return it == headers.end() ? std::string_view() : std::string_view(it->second);
}

HttpFields read_query(std::string_view query) {
  HttpFields parameters;
  while (!query.empty()) {
    std::string_view pair = take_until(query, "&");
    if (pair.empty()) continue;
    const std::string_view name = take_until(pair, "=");
    parameters.emplace_back(decoded(name, true), decoded(pair, true));
  }
  return parameters;
}

HttpRequest read_request(std::string_view bytes) {
  http::request_parser<http::string_body> parser;
  parser.eager(true);
  beast::error_code error;
  parser.put(boost::asio::buffer(bytes.data(), bytes.size()), error);
  check_request(!error && parser.is_done(), "http", "this is no request of HTTP/1.1");
  auto message = parser.release();
  HttpRequest request;
  request.method = std::string(message.method_string());
  for (const auto& field : message)
    request.headers.emplace_back(lower_case(std::string(field.name_string())), field.value());
  request.body = std::move(message.body());
  request.keeps_connection = message.version() == kHttp11 && message.keep_alive();
  std::string_view target(message.target().data(), message.target().size());
  request.path = decoded(take_until(target, "?"), false);
  request.query = target;
  request.parameters = read_query(request.query);
  return request;
}

}  // namespace headlight::app
