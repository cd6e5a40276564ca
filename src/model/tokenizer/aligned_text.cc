#include "model/tokenizer/aligned_text.h"

#include "core/utf8.h"

namespace headlight {

AlignedText::AlignedText(std::string_view part, std::uint32_t base) : text_(part) {
  sources_.reserve(part.size());
  while (!part.empty()) {
    const auto length = static_cast<std::uint32_t>(utf8_length(part));
    sources_.insert(sources_.end(), length, Span{base, base + length});
    base += length;
    part.remove_prefix(length);
  }
}

Span AlignedText::source(Span range) const {
  if (range.size() == 0) {
    if (sources_.empty()) return {};
    const std::uint32_t at =
        range.begin < size() ? sources_[range.begin].begin : sources_.back().end;
    return {at, at};
  }
  return {sources_[range.begin].begin, sources_[range.end - 1].end};
}

AlignedText AlignedText::slice(Span range) const {
  AlignedText out;
  out.append(*this, range);
  return out;
}

void AlignedText::append(char32_t c, Span source) {
  append_utf8(text_, c);
  sources_.resize(text_.size(), source);
}

void AlignedText::append(std::string_view text, Span source) {
  text_ += text;
  sources_.resize(text_.size(), source);
}

void AlignedText::append(const AlignedText& other, Span range) {
  text_ += other.text(range);
  sources_.insert(sources_.end(), other.sources_.begin() + range.begin,
                  other.sources_.begin() + range.end);
}

}  // namespace headlight
