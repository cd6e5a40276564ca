// Text that remembers which bytes of the user's text every byte of it came from.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/tokenizer/unicode.h"

namespace headlight {

/// Bytes [begin, end).
struct Span {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;

  std::uint32_t size() const { return end - begin; }
  bool operator==(const Span&) const = default;
};

/// Valid UTF-8, with the source span of every character: the part of the user's text that it stands
/// for. A character that was inserted has an empty span where it was put.
class AlignedText {
 public:
  AlignedText() = default;
  /// A part of the user's text as it is, found at byte `base` of it.
  AlignedText(std::string_view part, std::uint32_t base);

  std::string_view text() const { return text_; }
  std::string_view text(Span range) const { return text().substr(range.begin, range.size()); }
  bool empty() const { return text_.empty(); }
  std::uint32_t size() const { return static_cast<std::uint32_t>(text_.size()); }

  /// What the bytes `range` of this text stand for: from the start of the first one's source to the
  /// end of the last one's. For an empty range: the empty place where it is.
  Span source(Span range) const;
  AlignedText slice(Span range) const;

  void append(char32_t c, Span source);
  void append(std::string_view text, Span source);  ///< every character has the same source
  void append(const AlignedText& other, Span range);

  /// Calls visit(code point, source) for every character of `range`.
  template <class Visit>
  void each(Span range, Visit&& visit) const {
    for (std::size_t at = range.begin; at < range.end;) {
      const Span from = sources_[at];
      visit(next_code_point(text_, at), from);
    }
  }
  template <class Visit>
  void each(Visit&& visit) const {
    each({0, size()}, visit);
  }

 private:
  std::string text_;
  std::vector<Span> sources_;  // one for each byte
};

}  // namespace headlight
