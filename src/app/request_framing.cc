#include "app/request_framing.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <system_error>

#include "app/request_guard.h"

namespace headlight::app {
namespace {

constexpr std::string_view kLineEnd = "\r\n";

[[noreturn]] void refuse(int status, std::string_view message) {
  throw RequestError(status, "http", message);
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// RFC 9110, section 5.6.2.
bool is_token(std::string_view text) {
  const auto allowed = [](char c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return letter || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  };
  return !text.empty() && std::ranges::all_of(text, allowed);
}

bool has_control(std::string_view text) {
  return std::ranges::any_of(text,
                             [](unsigned char c) { return (c < ' ' && c != '\t') || c == 127; });
}

void check_request_line(std::string_view line) {
  if (has_control(line)) refuse(400, "the request line holds control characters");
  const std::size_t first = line.find(' '), last = line.rfind(' ');
  const bool three = first != line.npos && first != last;
  const std::string_view method = line.substr(0, first);
  const std::string_view target = three ? line.substr(first + 1, last - first - 1) : "";
  const std::string_view version = three ? line.substr(last + 1) : "";
  const auto printing = [](unsigned char c) { return c > ' ' && c < 127; };
  if (!is_token(method) || !target.starts_with('/') || !std::ranges::all_of(target, printing) ||
      !version.starts_with("HTTP/"))
    refuse(400, "the request line is not METHOD /path HTTP/1.1");
  if (version != "HTTP/1.1" && version != "HTTP/1.0")
    refuse(505, fmt::format("{} is not spoken here, HTTP/1.1 is", printable(version, 20)));
  constexpr std::array<std::string_view, 4> kMethods = {"GET", "HEAD", "POST", "DELETE"};
  if (std::ranges::find(kMethods, method) == kMethods.end())
    refuse(405, "this method is not answered here");
}

/// What the headers say about the body.
struct Head {
  std::optional<std::size_t> length;
  bool expects_continue = false;
};

std::size_t read_length(std::string_view value) {
  std::size_t length = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), length);
  const bool digits = !value.empty() && end == value.data() + value.size();
  const bool too_large = error == std::errc::result_out_of_range || length > kMostBody;
  if (!digits || (error != std::errc() && !too_large))
    refuse(400, "the Content-Length is not a number of bytes");
  if (too_large) refuse(413, fmt::format("the body is over {} bytes", kMostBody));
  return length;
}

void take_header(std::string_view line, Head& head) {
  const std::size_t colon = line.find(':');
  if (colon == line.npos || !is_token(line.substr(0, colon)) || has_control(line))
    refuse(400, fmt::format("\"{}\" is not a header", printable(line, 60)));
  const std::string name = lower_case(line.substr(0, colon));
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (name == "transfer-encoding") refuse(411, "send the body as it is, with a Content-Length");
  if (name == "content-encoding" && lower_case(value) != "identity")
    refuse(415, "send the body as it is, without a Content-Encoding");
  if (name == "content-length") {
    if (head.length) refuse(400, "there is more than one Content-Length");
    head.length = read_length(value);
  }
  if (name == "expect") head.expects_continue = lower_case(value) == "100-continue";
}

/// `bytes`: everything before the empty line, each line with its end.
Head read_head(std::string_view bytes) {
  Head head;
  std::size_t count = 0;
  while (!bytes.empty()) {
    const std::size_t end = bytes.find(kLineEnd);
    const std::string_view line = bytes.substr(0, end);
    if (line.size() > kMostLine)
      refuse(count ? 431 : 414, fmt::format("a line of the head is over {} bytes", kMostLine));
    if (count == 0)
      check_request_line(line);
    else
      take_header(line, head);
    if (++count > kMostHeaders + 1)
      refuse(431, fmt::format("there are over {} headers", kMostHeaders));
    bytes.remove_prefix(end + kLineEnd.size());
  }
  return head;
}

/// Refuses what cannot become a head any more, without waiting for the rest.
void check_partial_head(std::string_view bytes) {
  const std::string_view line = bytes.substr(0, bytes.find(kLineEnd));
  if (line.size() < bytes.size()) check_request_line(line);
  if (line.size() > kMostLine)
    refuse(414, fmt::format("the request line is over {} bytes", kMostLine));
  if (bytes.size() > kMostHead) refuse(431, fmt::format("the head is over {} bytes", kMostHead));
  const std::size_t bare = bytes.find('\n');
  if (bare != bytes.npos && (bare == 0 || bytes[bare - 1] != '\r'))
    refuse(400, "lines of the head end in CRLF");
}

void look_at(std::string_view bytes, Framing& framing) {
  const std::size_t end = bytes.find("\r\n\r\n");
  if (end == bytes.npos || end > kMostHead)
    return check_partial_head(bytes.substr(0, kMostHead + 1));
  const Head head = read_head(bytes.substr(0, end + kLineEnd.size()));
  framing.size = end + 4 + head.length.value_or(0);
  framing.whole = bytes.size() >= framing.size;
  framing.expects_continue = head.expects_continue;
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
