#include "model/tokenizer/vocabulary.h"

#include <algorithm>

#include "core/error.h"

namespace headlight {
namespace {

constexpr std::string_view kOp = "tokenizer";

}  // namespace

Vocabulary::Vocabulary(const std::vector<VocabularyEntry>& entries,
                       const std::vector<VocabularyEntry>& added, std::string source)
    : source_(std::move(source)) {
  check(!entries.empty(), kOp, "{}: the vocabulary is empty", source_);
  const std::size_t most = entries.size() + added.size();
  std::int64_t last = -1;
  for (const auto* list : {&entries, &added})
    for (const VocabularyEntry& entry : *list) {
      if (entry.id < 0 || entry.id >= static_cast<std::int64_t>(most))
        fail(kOp, "{}: id {} of \"{}\" is out of range: {} pieces need ids 0 to {}", source_,
             entry.id, printable(entry.piece), most, most - 1);
      last = std::max(last, entry.id);
    }
  pieces_.resize(static_cast<std::size_t>(last) + 1);
  std::vector<bool> placed(pieces_.size());
  for (const VocabularyEntry& entry : entries) place(entry, placed);
  ids_.reserve(entries.size());
  for (const VocabularyEntry& entry : entries) {
    const std::string& piece = pieces_[static_cast<std::size_t>(entry.id)];
    const auto [other, fresh] = ids_.emplace(piece, entry.id);
    if (!fresh)
      fail(kOp, "{}: \"{}\" has two ids, {} and {}", source_, printable(piece), other->second,
           entry.id);
    longest_ = std::max(longest_, piece.size());
  }
  for (const VocabularyEntry& entry : added) place(entry, placed);
  const auto hole = std::find(placed.begin(), placed.end(), false);
  check(hole == placed.end(), kOp, "{}: no piece has id {}, but ids go up to {}", source_,
        hole - placed.begin(), last);
}

void Vocabulary::place(const VocabularyEntry& entry, std::vector<bool>& placed) {
  const auto at = static_cast<std::size_t>(entry.id);
  std::string& piece = pieces_[at];
  if (placed[at] && piece != entry.piece)
    fail(kOp, "{}: id {} is used twice, for \"{}\" and \"{}\"", source_, entry.id, printable(piece),
         printable(entry.piece));
  if (!placed[at]) piece = entry.piece;
  placed[at] = true;
}

std::optional<std::int64_t> Vocabulary::find(std::string_view piece) const {
  const auto found = ids_.find(piece);
  return found == ids_.end() ? std::nullopt : std::optional(found->second);
}

std::int64_t Vocabulary::require(std::string_view piece, std::string_view what) const {
  const auto id = find(piece);
  check(id.has_value(), kOp, "{}: {} \"{}\" is not in the vocabulary", source_, what,
        printable(piece));
  return *id;
}

const std::string& Vocabulary::piece(std::int64_t id) const {
  check(id >= 0 && id < size(), kOp, "id {} is outside the vocabulary of {} (ids 0 to {})", id,
        size(), size() - 1);
  return pieces_[static_cast<std::size_t>(id)];
}

}  // namespace headlight
