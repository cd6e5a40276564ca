// Text for a terminal: how wide it is, how it is cut, bars, and colour where it is wanted.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace headlight::app {

/// What every human-readable output keeps to.
inline constexpr std::size_t kColumns = 80;

/// Columns that valid UTF-8 text takes: 2 for East Asian wide characters and emoji, 0 for marks
/// that combine.
std::size_t display_width(std::string_view text);

/// A token's piece, safe on a terminal and free of invisible parts: control and format characters
/// escaped, spaces at either end shown as U+2423.
std::string shown_piece(std::string_view piece);

/// `text` in exactly `width` columns: padded on the right, or cut between characters as a person
/// counts them and ended with an ellipsis.
std::string fit(std::string_view text, std::size_t width);
/// The same, but not padded.
std::string cut(std::string_view text, std::size_t width);

/// A bar of at most `cells` columns for `value` in [0, 1], in steps of an eighth of a column.
std::string bar(double value, std::size_t cells);

/// Escape sequences, or none. Meaning never rests on them.
class Style {
 public:
  explicit Style(bool colour) : colour_(colour) {}
  /// On for a terminal, unless NO_COLOR is set and not empty or TERM is "dumb".
  static Style of_stdout();

  std::string bold(std::string_view text) const { return wrap("1", text); }
  std::string dim(std::string_view text) const { return wrap("2", text); }
  std::string accent(std::string_view text) const { return wrap("36", text); }

 private:
  std::string wrap(std::string_view code, std::string_view text) const;
  bool colour_;
};

}  // namespace headlight::app
