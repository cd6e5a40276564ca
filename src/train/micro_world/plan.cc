#include "train/micro_world/plan.h"

#include <algorithm>
#include <optional>
#include <span>
#include <string>

#include "core/error.h"

namespace headlight {
namespace {

bool is_stop(std::string_view word) {
  return word == "." || word == "?" || word == "。" || word == "？";
}

bool is_mark(std::string_view word) {
  return is_stop(word) || word == "," || word == "，";
}

/// Words in a row, as a language writes them.
class Line {
 public:
  Line(Language language, std::string& text)
      : spaced_(language == Language::english), text_(text) {}

  ByteRange add(std::string_view word) {
    if (spaced_ && !text_.empty() && !is_mark(word)) text_ += ' ';
    const std::size_t begin = text_.size();
    text_ += word;
    if (spaced_ && starts_ && word[0] >= 'a' && word[0] <= 'z') text_[begin] -= 'a' - 'A';
    starts_ = is_stop(word);
    return {begin, text_.size()};
  }

 private:
  bool spaced_;
  bool starts_ = true;  // the next word is a sentence's first
  std::string& text_;
};

}  // namespace

SentenceShape::SentenceShape(std::string_view text) {
  for_each_word(text, [&](std::string_view word) {
    if (word[0] != '$') {
      parts_.push_back({.word = word});
      return;
    }
    const char slot = word.size() == 2 ? word[1] : '\0';
    const bool letter = (slot >= 'A' && slot <= 'Z') || (slot >= 'a' && slot <= 'z');
    check(letter && !(letter && has(slot)), "micro-world", "\"{}\" is not a slot, or used twice",
          word);
    parts_.push_back({.slot = slot});
    slots_ |= std::uint64_t{1} << slot_index(slot);
  });
}

void Plan::render(bool with_stop, MicroSentence& out) const {
  Line line(out.language, out.text);
  std::array<std::optional<ByteRange>, kSlots> places;
  const auto& parts = shape_->parts();
  const std::size_t count = parts.size() - (!with_stop && is_stop(parts.back().word) ? 1 : 0);
  for (const auto& part : std::span(parts).first(count)) {
    if (part.slot == 0) {
      line.add(part.word);
      continue;
    }
    const std::size_t index = SentenceShape::slot_index(part.slot);
    for_each_word(fill_[index], [&](std::string_view word) {
      const ByteRange place = line.add(word);
      if (!places[index]) places[index] = place;
    });
  }
  const auto place_of = [&](char slot) { return places[SentenceShape::slot_index(slot)]; };
  for (const Label& label : labels_) {
    const auto from = place_of(label.from), to = place_of(label.to);
    if (from && to) out.relations.push_back({label.relation, *from, *to});
  }
  for (const Mask& mask : masks_) {
    const auto place = place_of(mask.slot);
    if (!place) continue;
    out.masks.push_back({mask.relation,
                         *place,
                         std::string(mask.answer),
                         {mask.decoys.begin(), mask.decoys.end()},
                         mask.keep,
                         mask.group});
  }
  std::ranges::stable_sort(out.masks, {}, &MaskedWord::group);
  out.keys.assign(keys_.begin(), keys_.end());
}

}  // namespace headlight
