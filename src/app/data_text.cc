#include "app/data_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "core/utf8.h"

namespace headlight::app {
namespace {

Json json_range(ByteRange range) {
  return Json::array({range.begin, range.end});
}

std::string_view covered(const MicroSentence& sentence, ByteRange range) {
  return std::string_view(sentence.text).substr(range.begin, range.end - range.begin);
}

// What stands behind the marks has at least this room.
constexpr std::size_t kWidestText = kColumns - 20;

/// Whether a line may end before byte `at`: at a blank or, where the language has none, between
/// words that are labelled.
bool may_break(const MicroSentence& s, std::size_t at) {
  if (s.language == Language::english) return s.text[at] == ' ';
  const auto cuts = [at](ByteRange word) { return word.begin < at && at < word.end; };
  return utf8_length(std::string_view(s.text).substr(at)) > 0 &&
         std::ranges::none_of(s.relations,
                              [&](const RelationLabel& r) { return cuts(r.from) || cuts(r.to); }) &&
         std::ranges::none_of(s.masks, [&](const MaskedWord& m) { return cuts(m.word); });
}

/// The text in parts that leave room beside them.
std::vector<ByteRange> lines_of(const MicroSentence& s) {
  std::vector<ByteRange> lines = {{0, 0}};
  for (std::size_t at = 1; at <= s.text.size(); ++at) {
    if (at < s.text.size() && !may_break(s, at)) continue;
    ByteRange& line = lines.back();
    if (display_width(covered(s, {line.begin, at})) > kWidestText && line.end > line.begin) {
      const std::size_t begin = line.end + (s.text[line.end] == ' ' ? 1 : 0);
      lines.push_back({begin, at});
    } else {
      line.end = at;
    }
  }
  return lines;
}

/// Marks under the words of one line of a text.
class MarkLine {
 public:
  MarkLine(const MicroSentence& sentence, ByteRange line)
      : sentence_(sentence), line_(line), marks_(display_width(covered(sentence, line)), ' ') {}

  void mark(ByteRange word, char with) {
    if (word.begin < line_.begin || word.end > line_.end) return;
    const std::size_t begin = display_width(covered(sentence_, {line_.begin, word.begin}));
    const std::size_t width = display_width(covered(sentence_, word));
    marks_.replace(begin, width, width, with);
    marked_ = true;
  }

  /// The marks and what they mean, in as many words as there is room for; nothing without marks.
  std::string explained(const std::string& name, const std::string& rest,
                        const Style& style) const {
    if (!marked_) return {};
    const std::size_t room = kColumns - marks_.size() - 2;
    std::string out = fmt::format("{}  {}", marks_, style.accent(cut(name, room)));
    const std::size_t used = display_width(name) + 1;
    if (used + display_width(rest) <= room) out += fmt::format(" {}", style.dim(rest));
    return out + "\n";
  }

 private:
  const MicroSentence& sentence_;
  ByteRange line_;
  std::string marks_;
  bool marked_ = false;
};

std::string relation_line(const MicroSentence& s, ByteRange line, const RelationLabel& label,
                          const Style& style) {
  MarkLine marks(s, line);
  marks.mark(label.from, '<');
  marks.mark(label.to, '>');
  return marks.explained(std::string(name_of(label.relation)),
                         fmt::format("{} -> {}", covered(s, label.from), covered(s, label.to)),
                         style);
}

std::string mask_line(const MicroSentence& s, ByteRange line, const MaskedWord& mask,
                      const Style& style) {
  MarkLine marks(s, line);
  marks.mark(mask.word, '?');
  std::string rest = fmt::format("({})", name_of(mask.relation));
  if (!mask.decoys.empty()) rest = fmt::format("not {} {}", fmt::join(mask.decoys, ", "), rest);
  return marks.explained(fmt::format("{} {}", mask.keep ? "stands for" : "is", mask.answer), rest,
                         style);
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
  std::string out;
  for (const ByteRange line : lines_of(sentence)) {
    out += style.bold(covered(sentence, line)) + "\n";
    for (const RelationLabel& label : sentence.relations)
      out += relation_line(sentence, line, label, style);
    for (const MaskedWord& mask : sentence.masks) out += mask_line(sentence, line, mask, style);
  }
  return out;
}

}  // namespace headlight::app
