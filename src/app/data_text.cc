#include "app/data_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace headlight::app {
namespace {

Json json_range(ByteRange range) {
  return Json::array({range.begin, range.end});
}

std::string_view covered(const MicroSentence& sentence, ByteRange range) {
  return std::string_view(sentence.text).substr(range.begin, range.end - range.begin);
}

/// A line as wide as the text with marks under words, without blanks at its end.
class MarkLine {
 public:
  explicit MarkLine(const MicroSentence& sentence)
      : sentence_(sentence), line_(display_width(sentence.text), ' ') {}

  void mark(ByteRange range, char with) {
    const std::string_view text = sentence_.text;
    const std::size_t begin = display_width(text.substr(0, range.begin));
    const std::size_t end = display_width(text.substr(0, range.end));
    std::fill(line_.begin() + static_cast<std::ptrdiff_t>(begin),
              line_.begin() + static_cast<std::ptrdiff_t>(end), with);
  }
  const std::string& text() const { return line_; }

 private:
  const MicroSentence& sentence_;
  std::string line_;
};

std::string relation_line(const MicroSentence& s, const RelationLabel& label, const Style& style) {
  MarkLine line(s);
  line.mark(label.from, '<');
  line.mark(label.to, '>');
  return fmt::format(
      "{}  {} {}\n", line.text(), style.accent(name_of(label.relation)),
      style.dim(fmt::format("{} -> {}", covered(s, label.from), covered(s, label.to))));
}

std::string mask_line(const MicroSentence& s, const MaskedWord& mask, const Style& style) {
  MarkLine line(s);
  line.mark(mask.word, '?');
  std::string what = fmt::format("{} {}", mask.keep ? "stands for" : "is", mask.answer);
  if (!mask.decoys.empty()) what += fmt::format(", not {}", fmt::join(mask.decoys, ", "));
  return fmt::format("{}  {} {}\n", line.text(), style.bold(what),
                     style.dim(fmt::format("({})", name_of(mask.relation))));
}

}  // namespace

Json json_sentence(const MicroSentence& sentence) {
  Json relations = Json::array(), masks = Json::array();
  for (const RelationLabel& label : sentence.relations)
    relations.push_back({{"name", name_of(label.relation)},
                         {"from", json_range(label.from)},
                         {"to", json_range(label.to)}});
  for (const MaskedWord& mask : sentence.masks)
    masks.push_back({{"relation", name_of(mask.relation)},
                     {"word", json_range(mask.word)},
                     {"answer", mask.answer},
                     {"decoys", mask.decoys},
                     {"keep", mask.keep},
                     {"group", mask.group}});
  return {{"text", sentence.text},
          {"language", name_of(sentence.language)},
          {"rule", sentence.rule},
          {"relation", name_of(sentence.relation)},
          {"relations", std::move(relations)},
          {"masks", std::move(masks)}};
}

std::string text_with_labels(const MicroSentence& sentence, const Style& style) {
  std::string out = style.bold(sentence.text) + "\n";
  for (const RelationLabel& label : sentence.relations)
    out += relation_line(sentence, label, style);
  for (const MaskedWord& mask : sentence.masks) out += mask_line(sentence, mask, style);
  return out;
}

}  // namespace headlight::app
