#include "model/tokenizer/bpe.h"

#include <algorithm>
#include <queue>

#include "core/error.h"

namespace headlight {
namespace {

constexpr std::string_view kOp = "tokenizer";

std::uint64_t key_of(std::int64_t left, std::int64_t right) {
  return static_cast<std::uint64_t>(left) << 32 | static_cast<std::uint64_t>(right);
}

}  // namespace

/// A merge that was possible when it was queued.
struct Bpe::Candidate {
  std::uint32_t rank;
  std::int32_t left;
  std::int64_t id;

  // Lowest rank first, then leftmost.
  bool operator<(const Candidate& other) const {
    return rank != other.rank ? rank > other.rank : left > other.left;
  }
};

std::optional<BpeMerge> parse_merge(std::string_view line, std::size_t rank) {
  const std::size_t space = line.find(' ');
  if (space == line.npos || line.find(' ', space + 1) != line.npos) return std::nullopt;
  return BpeMerge{std::string(line.substr(0, space)), std::string(line.substr(space + 1)),
                  static_cast<std::uint32_t>(rank)};
}

Bpe::Bpe(VocabularyPtr vocabulary, const std::vector<BpeMerge>& merges, BpeOptions options)
    : vocabulary_(std::move(vocabulary)), options_(std::move(options)) {
  if (options_.unk_token) unknown_ = vocabulary_->require(*options_.unk_token, "unk_token");
  if (options_.byte_fallback)
    for (std::size_t byte = 0; byte < byte_ids_.size(); ++byte)
      byte_ids_[byte] = vocabulary_->find(fmt::format("<0x{:02X}>", byte));
  merges_.reserve(merges.size());
  for (const BpeMerge& merge : merges) add_merge(merge);
}

void Bpe::add_merge(const BpeMerge& merge) {
  const auto& [left, right, rank] = merge;
  const auto refuse = [&](std::string_view why) {
    fail(kOp, "{}: merge {} (\"{}\" + \"{}\") {}", vocabulary_->source(), rank, printable(left, 40),
         printable(right, 40), why);
  };
  const auto id_of = [&](std::string_view piece) {
    const auto id = vocabulary_->find(piece);
    if (!id)
      refuse(fmt::format("needs \"{}\", which is not in the vocabulary", printable(piece, 80)));
    return *id;
  };
  const std::int64_t left_id = id_of(left);
  const std::int64_t right_id = id_of(right);
  std::string_view tail = right;
  if (tail.starts_with(options_.continuing_subword_prefix))
    tail.remove_prefix(options_.continuing_subword_prefix.size());
  const std::int64_t id = id_of(left + std::string(tail));
  if (!merges_.try_emplace(key_of(left_id, right_id), Merge{rank, id}).second)
    refuse("is given twice");
}

const Bpe::Merge* Bpe::find_merge(std::int64_t left, std::int64_t right) const {
  const auto found = merges_.find(key_of(left, right));
  return found == merges_.end() ? nullptr : &found->second;
}

void Bpe::split(std::string_view word, std::vector<WordPart>& parts) const {
  if (options_.ignore_merges)
    if (const auto whole = vocabulary_->find(word)) {
      parts.push_back({*whole, {0, static_cast<std::uint32_t>(word.size())}});
      return;
    }
  std::vector<Symbol> symbols = symbols_of(word);
  merge_all(symbols);
  for (const Symbol& symbol : symbols)
    if (symbol.alive) parts.push_back({symbol.id, symbol.bytes});
}

std::vector<Bpe::Symbol> Bpe::symbols_of(std::string_view word) const {
  std::vector<Symbol> symbols;
  symbols.reserve(word.size());
  std::string piece;
  for (std::size_t at = 0; at < word.size();) {
    const std::size_t begin = at;
    next_code_point(word, at);
    const std::string_view character = word.substr(begin, at - begin);
    const Span bytes{static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(at)};
    piece.clear();
    if (begin > 0) piece = options_.continuing_subword_prefix;
    piece += character;
    if (at == word.size()) piece += options_.end_of_word_suffix;
    if (const auto id = vocabulary_->find(piece))
      symbols.push_back({*id, bytes});
    else
      add_unknown(character, bytes, symbols);
  }
  for (std::size_t i = 0; i < symbols.size(); ++i) {
    symbols[i].previous = static_cast<std::int32_t>(i) - 1;
    symbols[i].next = i + 1 < symbols.size() ? static_cast<std::int32_t>(i) + 1 : -1;
  }
  return symbols;
}

void Bpe::add_unknown(std::string_view character, Span bytes, std::vector<Symbol>& symbols) const {
  const auto id_of = [&](char byte) { return byte_ids_[static_cast<std::uint8_t>(byte)]; };
  const auto has_id = [&](char byte) { return id_of(byte).has_value(); };
  if (std::all_of(character.begin(), character.end(), has_id)) {
    for (const char byte : character) symbols.push_back({*id_of(byte), bytes});
    return;
  }
  if (!unknown_) return;
  if (options_.fuse_unk && !symbols.empty() && symbols.back().id == *unknown_)
    symbols.back().bytes.end = bytes.end;
  else
    symbols.push_back({*unknown_, bytes});
}

void Bpe::merge_all(std::vector<Symbol>& symbols) const {
  std::priority_queue<Candidate> queue;
  const auto at = [&](std::int32_t i) -> Symbol& { return symbols[static_cast<std::size_t>(i)]; };
  const auto consider = [&](std::int32_t left) {
    if (left < 0 || at(left).next < 0) return;
    if (const Merge* merge = find_merge(at(left).id, at(at(left).next).id))
      queue.push({merge->rank, left, merge->id});
  };
  for (std::size_t i = 0; i + 1 < symbols.size(); ++i) consider(static_cast<std::int32_t>(i));
  while (!queue.empty()) {
    const Candidate best = queue.top();
    queue.pop();
    Symbol& left = at(best.left);
    if (!left.alive || left.next < 0) continue;
    Symbol& right = at(left.next);
    const Merge* merge = find_merge(left.id, right.id);
    if (merge == nullptr || merge->rank != best.rank || merge->id != best.id)
      continue;  // a neighbour has merged since
    left.id = best.id;
    left.bytes.end = right.bytes.end;
    left.next = right.next;
    right.alive = false;
    if (left.next >= 0) at(left.next).previous = best.left;
    consider(left.previous);
    consider(best.left);
  }
}

}  // namespace headlight
