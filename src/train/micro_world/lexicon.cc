#include "train/micro_world/lexicon.h"

#include <algorithm>
#include <deque>
#include <string>

namespace headlight {
namespace {

/// The part of `text` before `separator`, which it is cut off with.
std::string_view cut_front(std::string_view& text, char separator) {
  const std::size_t at = std::min(text.find(separator), text.size());
  const std::string_view front = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return front;
}

/// The lists, and the phrases among them that the source text does not hold as they are.
struct Lists {
  WordLists by_kind;
  std::deque<std::string> phrases;

  explicit Lists(std::span<const LexiconLine> lines) {
    for (const LexiconLine& line : lines) {
      auto& list = by_kind[static_cast<std::size_t>(line.kind)];
      for (std::string_view rest = line.words; !rest.empty();) list.push_back(read(rest));
    }
  }

  Word read(std::string_view& rest) {
    Word word;
    std::string_view entry = cut_front(rest, ' ');
    for (std::string_view& form : word.forms) form = phrase(cut_front(entry, '/'));
    return word;
  }

  std::string_view phrase(std::string_view text) {
    if (text.find('_') == text.npos) return text;
    std::string& kept = phrases.emplace_back(text);
    std::ranges::replace(kept, '_', ' ');
    return kept;
  }
};

}  // namespace

const WordLists& word_lists(Language language) {
  static const Lists english(english_lexicon());
  static const Lists chinese(chinese_lexicon());
  return language == Language::english ? english.by_kind : chinese.by_kind;
}

}  // namespace headlight
