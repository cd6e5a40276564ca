// A sentence before it is text: a shape with slots, what fills them, and what is known about them.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "train/micro_world.h"
#include "train/micro_world/lexicon.h"

namespace headlight {

/// Calls take(word) for the words of a phrase, which spaces separate.
template <class Take>
void for_each_word(std::string_view phrase, Take&& take) {
  while (!phrase.empty()) {
    const std::size_t end = std::min(phrase.find(' '), phrase.size());
    take(phrase.substr(0, end));
    phrase.remove_prefix(std::min(end + 1, phrase.size()));
  }
}

/// The shape of a sentence: words as they are, and slots, written "$S". A slot that nothing fills
/// leaves nothing behind. A letter is used once.
class SentenceShape {
 public:
  struct Part {
    std::string_view word = {};  ///< empty for a slot
    char slot = 0;
  };

  /// `text` must outlive the shape. Throws for a slot that is not a letter.
  explicit SentenceShape(std::string_view text);
  const std::vector<Part>& parts() const { return parts_; }
  bool has(char slot) const { return (slots_ >> slot_index(slot)) & 1; }
  static std::size_t slot_index(char slot) { return static_cast<std::size_t>(slot - 'A'); }

 private:
  std::vector<Part> parts_;
  std::uint64_t slots_ = 0;
};

inline constexpr std::size_t kSlots = 'z' - 'A' + 1;

/// Fills a shape and says which slots are related. Labels and masks whose slots are empty or not in
/// the shape are dropped, so that one rule serves many shapes. A phrase is labelled at its first
/// word.
class Plan {
 public:
  explicit Plan(const SentenceShape& shape) : shape_(&shape) {}

  bool has(char slot) const { return shape_->has(slot); }
  void set(char slot, std::string_view words) { fill_[SentenceShape::slot_index(slot)] = words; }
  void set(char slot, const Word& word) { set(slot, word.text()); }
  void label(Relation relation, char from, char to) { labels_.push_back({relation, from, to}); }

  struct Mask {
    Relation relation;
    char slot;
    std::string_view answer = {};
    std::vector<std::string_view> decoys = {};
    bool keep = false;
    int group = 0;
  };
  void mask(Mask mask) { masks_.push_back(std::move(mask)); }

  /// A word whose company decides the split; the same for both sentences of a minimal pair.
  void key(std::initializer_list<std::string_view> words) { keys_.insert(keys_.end(), words); }
  const std::vector<std::string_view>& keys() const { return keys_; }

  /// Writes text, labels, masks and keys of `out`, in its language. `with_stop`: keep the mark at
  /// the end.
  void render(bool with_stop, MicroSentence& out) const;

 private:
  struct Label {
    Relation relation;
    char from, to;
  };

  const SentenceShape* shape_;
  std::array<std::string_view, kSlots> fill_ = {};
  std::vector<Label> labels_;
  std::vector<Mask> masks_;
  std::vector<std::string_view> keys_;
};

}  // namespace headlight
