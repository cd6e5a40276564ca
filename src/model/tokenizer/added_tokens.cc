#include "model/tokenizer/added_tokens.h"

#include <unicode/utf8.h>

#include <algorithm>

namespace headlight {
namespace {

char32_t last_code_point(std::string_view text) {
  std::size_t at = text.size() - 1;
  while (U8_IS_TRAIL(text[at])) --at;
  return next_code_point(text, at);
}

char32_t first_code_point(std::string_view text) {
  std::size_t at = 0;
  return next_code_point(text, at);
}

bool stands_alone(std::string_view text, Span match) {
  const std::string_view before = text.substr(0, match.begin);
  const std::string_view after = text.substr(match.end);
  return (before.empty() || !is_word_char(last_code_point(before))) &&
         (after.empty() || !is_word_char(first_code_point(after)));
}

/// Where the white space that ends at `end` begins, not before `least`.
std::uint32_t skip_space_back(std::string_view text, std::uint32_t end, std::uint32_t least) {
  while (end > least) {
    std::uint32_t begin = end - 1;
    while (U8_IS_TRAIL(text[begin])) --begin;
    if (!is_white_space(first_code_point(text.substr(begin)))) break;
    end = begin;
  }
  return end;
}

std::uint32_t skip_space(std::string_view text, std::uint32_t begin) {
  for (std::size_t at = begin; at < text.size(); begin = static_cast<std::uint32_t>(at))
    if (!is_white_space(next_code_point(text, at))) break;
  return begin;
}

}  // namespace

AddedTokens::AddedTokens(std::vector<AddedToken> tokens, const Normalizer& normalizer)
    : tokens_(std::move(tokens)) {
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    const AddedToken& token = tokens_[i];
    if (token.special) special_ids_.insert(token.id);
    if (!token.normalized || !normalizer)
      raw_.insert(token.content, i);
    else
      normalized_.insert(normalizer(AlignedText(token.content, 0)).text(), i);
  }
}

void AddedTokens::Trie::insert(std::string_view content, std::size_t token) {
  if (content.empty()) return;
  std::uint32_t node = 0;
  for (const char byte : content) {
    const std::uint64_t key = std::uint64_t{node} << 8 | static_cast<std::uint8_t>(byte);
    const auto [place, fresh] = next.try_emplace(key, nodes);
    nodes += fresh;
    node = place->second;
  }
  token_at.try_emplace(node, token);
}

std::pair<std::size_t, std::size_t> AddedTokens::Trie::longest(std::string_view text) const {
  std::pair<std::size_t, std::size_t> best{0, 0};
  std::uint32_t node = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto step = next.find(std::uint64_t{node} << 8 | static_cast<std::uint8_t>(text[at]));
    if (step == next.end()) break;
    node = step->second;
    const auto token = token_at.find(node);
    if (token != token_at.end()) best = {token->second, at + 1};
  }
  return best;
}

std::vector<AddedMatch> AddedTokens::find(const Trie& trie, std::string_view text) const {
  std::vector<AddedMatch> found;
  if (trie.next.empty()) return found;
  std::uint32_t done = 0;
  for (std::uint32_t at = 0; at < text.size();) {
    const auto [index, length] = trie.longest(text.substr(at));
    Span match{at, at + static_cast<std::uint32_t>(length)};
    if (length == 0) {
      ++at;
      continue;
    }
    at = match.end;
    const AddedToken& token = tokens_[index];
    if (token.single_word && !stands_alone(text, match)) continue;
    if (token.lstrip) match.begin = skip_space_back(text, match.begin, done);
    if (token.rstrip) at = match.end = skip_space(text, match.end);
    found.push_back({match, token.id});
    done = match.end;
  }
  return found;
}

}  // namespace headlight
