// What a tokenizer's file may search text for: a literal or a regular expression.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/tokenizer/aligned_text.h"

namespace headlight {

/// Finds every match in valid UTF-8, left to right, without overlaps; a regular expression's may be
/// empty. Safe to share by threads.
/// Regular expressions are PCRE2's, with Unicode properties.
class Pattern {
 public:
  static Pattern literal(std::string text);
  /// Throws when PCRE2 cannot compile it; the message names `source`.
  static Pattern regex(const std::string& expression, std::string_view source);

  /// Throws when a regular expression needs more steps or memory than PCRE2's limits.
  std::vector<Span> find_all(std::string_view text) const;

 private:
  std::vector<Span> find_literal(std::string_view text) const;
  std::vector<Span> find_regex(std::string_view text) const;

  std::string text_;                   // the literal, or the expression for messages
  std::shared_ptr<const void> regex_;  // pcre2_code; null for a literal
};

}  // namespace headlight
