#include "app/parse.h"

#include <charconv>
#include <cmath>
#include <string>

#include "app/errors.h"
#include "core/mapped_file.h"

namespace headlight::app {
namespace {

template <class T>
std::optional<T> parse_whole(std::string_view text) {
  T value{};
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

/// Calls visit(part) for each non-empty part between any of `separators`.
template <class Visit>
void split(std::string_view text, std::string_view separators, const Visit& visit) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(separators), text.size());
    if (end > 0) visit(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

}  // namespace

std::optional<std::int64_t> parse_integer(std::string_view text) {
  return parse_whole<std::int64_t>(text);
}

std::optional<double> parse_number(std::string_view text) {
  const auto value = parse_whole<double>(text);
  return value && std::isfinite(*value) ? value : std::nullopt;
}

std::vector<std::int64_t> parse_ids(std::string_view text) {
  std::string file;
  if (text.starts_with('@')) {
    file = read_text_file(text.substr(1));
    text = file;
  }
  std::vector<std::int64_t> ids;
  split(text, ", \t\r\n", [&](std::string_view part) {
    const auto id = parse_integer(part);
    if (!id)
      throw UsageError("ids", fmt::format("\"{}\" is not a token id; write whole numbers with "
                                          "commas between, as in 1,2,3",
                                          printable(part)));
    ids.push_back(*id);
  });
  if (ids.empty()) throw UsageError("ids", "there is no token id; write some, as in 1,2,3");
  return ids;
}

std::vector<GateText> parse_gates(std::string_view text) {
  std::vector<GateText> gates;
  split(text, ",", [&](std::string_view part) {
    const std::size_t equals = part.find('=');
    const auto value = equals == part.npos ? std::nullopt : parse_number(part.substr(equals + 1));
    if (!value)
      throw UsageError("gates", fmt::format("\"{}\" is not a gate; write layer.head=value, as in "
                                            "1.0=0 or 0.3=0.5",
                                            printable(part)));
    gates.emplace_back(part.substr(0, equals), *value);
  });
  return gates;
}

std::vector<GateText> parse_heads(std::string_view text) {
  std::vector<GateText> heads;
  split(text, ", ", [&](std::string_view part) {
    const std::size_t equals = part.find('=');
    const auto gate =
        equals == part.npos ? std::optional(0.0) : parse_number(part.substr(equals + 1));
    if (!gate || part.find('.') >= equals)
      throw UsageError("heads",
                       fmt::format("\"{}\" is not a head; write layer.head, as in 0.3,2.1, "
                                   "2.* for a whole layer, or 0.3=0.5 to dim one",
                                   printable(part)));
    heads.emplace_back(part.substr(0, equals), *gate);
  });
  if (heads.empty()) throw UsageError("heads", "there is no head; write some, as in 0.3,2.1");
  return heads;
}

std::optional<RowRange> parse_rows(std::string_view text, std::int64_t length) {
  const std::size_t colon = text.find(':');
  const std::string_view first = text.substr(0, colon);
  const auto begin = first.empty() && colon != text.npos ? 0 : parse_integer(first);
  if (!begin || *begin < 0 || *begin >= length) return std::nullopt;
  if (colon == text.npos) return RowRange{*begin, *begin + 1};
  const std::string_view last = text.substr(colon + 1);
  const auto end = last.empty() ? length : parse_integer(last);
  if (!end || *end <= *begin || *end > length) return std::nullopt;
  return RowRange{*begin, *end};
}

}  // namespace headlight::app
