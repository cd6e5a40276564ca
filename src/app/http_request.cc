#include "app/http_request.h"

#include <algorithm>
#include <charconv>

#include "app/errors.h"
#include "app/request_guard.h"

namespace headlight::app {
namespace {

constexpr std::string_view kLineEnd = "\r\n";

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

/// RFC 9112, section 9.3.
bool asks_to_close(const HttpRequest& request) {
  for (const auto& [name, value] : request.headers)
    if (name == "connection" && lower_case(value).find("close") != std::string::npos) return true;
  return false;
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
  HttpRequest request;
  std::string_view line = take_until(bytes, kLineEnd);
  request.method = take_until(line, " ");
  std::string_view target = take_until(line, " ");
  const bool current = line == "HTTP/1.1";
  for (line = take_until(bytes, kLineEnd); !line.empty(); line = take_until(bytes, kLineEnd)) {
    const std::string name = lower_case(take_until(line, ":"));
    const std::size_t begin = std::min(line.find_first_not_of(" \t"), line.size());
    line.remove_prefix(begin);
    line = line.substr(0, line.find_last_not_of(" \t") + 1);
    request.headers.emplace_back(name, line);
  }
  request.body = bytes;
  request.keeps_connection = current && !asks_to_close(request);
  request.path = decoded(take_until(target, "?"), false);
  request.query = target;
  request.parameters = read_query(request.query);
  return request;
}

}  // namespace headlight::app
