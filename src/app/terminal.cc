#include "app/terminal.h"

#include <fmt/format.h>
#include <unistd.h>
#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <string>

namespace headlight::app {
namespace {

/// One code point at the front of `text`; text that is not UTF-8 reads as U+FFFD, one byte long.
struct CodePoint {
  utf8proc_int32_t value;
  std::size_t bytes;
};

CodePoint first_code_point(std::string_view text) {
  utf8proc_int32_t value = 0;
  const auto bytes = utf8proc_iterate(
      reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
      static_cast<utf8proc_ssize_t>(std::min<std::size_t>(text.size(), 4)), &value);
  if (bytes <= 0) return {0xFFFD, 1};
  return {value, static_cast<std::size_t>(bytes)};
}

/// Bytes of the first character as a person counts it (an extended grapheme cluster).
std::size_t first_cluster(std::string_view text) {
  CodePoint previous = first_code_point(text);
  std::size_t end = previous.bytes;
  utf8proc_int32_t state = 0;
  while (end < text.size()) {
    const CodePoint next = first_code_point(text.substr(end));
    if (utf8proc_grapheme_break_stateful(previous.value, next.value, &state)) break;
    end += next.bytes;
    previous = next;
  }
  return end;
}

bool is_invisible(utf8proc_int32_t c) {
  switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
      return c != 0x200D;  // the joiner inside emoji families draws nothing of its own
    default:
      return false;
  }
}

std::string escaped(utf8proc_int32_t c) {
  if (c == '\n') return "\\n";
  if (c == '\t') return "\\t";
  if (c == '\r') return "\\r";
  return c < 0x100 ? fmt::format("\\x{:02x}", c) : fmt::format("\\u{:04x}", c);
}

}  // namespace

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) {
    const CodePoint c = first_code_point(text);
    width += static_cast<std::size_t>(std::max(0, utf8proc_charwidth(c.value)));
    text.remove_prefix(c.bytes);
  }
  return width;
}

std::string shown_piece(std::string_view piece) {
  constexpr std::string_view kOpenBox = "\u2423";
  const std::size_t front = std::min(piece.find_first_not_of(' '), piece.size());
  const std::size_t back =
      front == piece.size() ? 0 : piece.size() - 1 - piece.find_last_not_of(' ');
  std::string out;
  for (std::size_t i = 0; i < front; ++i) out += kOpenBox;
  std::string_view middle = piece.substr(front, piece.size() - front - back);
  while (!middle.empty()) {
    const CodePoint c = first_code_point(middle);
    if (is_invisible(c.value))
      out += escaped(c.value);
    else
      out += middle.substr(0, c.bytes);
    middle.remove_prefix(c.bytes);
  }
  for (std::size_t i = 0; i < back; ++i) out += kOpenBox;
  return out;
}

std::string cut(std::string_view text, std::size_t width) {
  if (display_width(text) <= width) return std::string(text);
  if (width == 0) return {};
  std::size_t used = 0, end = 0;
  while (end < text.size()) {
    const std::size_t bytes = first_cluster(text.substr(end));
    const std::size_t columns = display_width(text.substr(end, bytes));
    if (used + columns > width - 1) break;
    used += columns;
    end += bytes;
  }
  return std::string(text.substr(0, end)) + "\u2026";
}

std::string fit(std::string_view text, std::size_t width) {
  std::string out = cut(text, width);
  out.append(width - std::min(width, display_width(out)), ' ');
  return out;
}

std::string bar(double value, std::size_t cells) {
  constexpr std::array<std::string_view, 8> kEighths = {"",       "\u258F", "\u258E", "\u258D",
                                                        "\u258C", "\u258B", "\u258A", "\u2589"};
  const double clamped = std::clamp(value, 0.0, 1.0);
  const auto eighths =
      static_cast<std::size_t>(std::lround(clamped * 8 * static_cast<double>(cells)));
  std::string out;
  for (std::size_t i = 0; i < eighths / 8; ++i) out += "\u2588";
  return out += kEighths[eighths % 8];
}

Style Style::of_stdout() {
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  const bool refused = (no_color && *no_color) || (term && std::string_view(term) == "dumb");
  return Style(!refused && isatty(STDOUT_FILENO));
}

std::string Style::wrap(std::string_view code, std::string_view text) const {
  return colour_ ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : std::string(text);
}

}  // namespace headlight::app
