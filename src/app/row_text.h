// Attention rows as text of at most kColumns columns: numbers first, bars beside them.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "app/terminal.h"
#include "model/tokenizer.h"

namespace headlight::app {

class RowText {
 public:
  /// `top`: how many of a row's strongest targets a compact line names, at least 1.
  RowText(const std::vector<Token>& tokens, std::int64_t top, Style style);

  /// The tokens, numbered, several in a line: index, piece, bytes of the text. When there are more
  /// than `most`, the middle is left out and counted.
  std::string token_table(std::size_t most) const;
  /// `8 "it"`.
  std::string name(std::int64_t token) const;

  /// The heading over compact lines; `label` is at most four columns.
  std::string heading(std::string_view label) const;
  /// Label, entropy in nats, the strongest targets (index, piece, weight, bar), and how many others
  /// share which mass.
  std::string compact(std::string_view label, double entropy, std::span<const float> row) const;
  /// One line for each token, in order.
  std::string full(std::span<const float> row) const;

 private:
  std::string target(std::size_t token, float weight) const;

  const std::vector<Token>& tokens_;
  std::vector<std::string> pieces_;
  std::size_t top_, index_width_, per_line_, piece_width_;
  Style style_;
};

}  // namespace headlight::app
