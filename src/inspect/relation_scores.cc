#include "inspect/relation_scores.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "core/error.h"

namespace headlight {
namespace {

constexpr std::string_view kOp = "relation scores";

}  // namespace

std::optional<TokenRange> tokens_of_bytes(std::span<const Token> tokens, std::size_t begin,
                                          std::size_t end) {
  std::optional<TokenRange> range;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const Token& token = tokens[i];
    if (token.special || token.end <= begin || end <= token.begin) continue;
    const auto at = static_cast<std::int64_t>(i);
    if (!range) range = TokenRange{at, at};
    range->end = at + 1;
  }
  return range;
}

Interval wilson_interval(std::int64_t hits, std::int64_t cases) {
  if (cases <= 0) return {};
  constexpr double z = 1.959963984540054;  // 97.5 % of a normal distribution lies below
  const auto n = static_cast<double>(cases);
  const double share = static_cast<double>(hits) / n;
  const double centre = share + z * z / (2 * n);
  const double spread = z * std::sqrt(share * (1 - share) / n + z * z / (4 * n * n));
  const double whole = 1 + z * z / n;
  return {std::max(0.0, (centre - spread) / whole), std::min(1.0, (centre + spread) / whole)};
}

std::pair<std::int64_t, std::int64_t> RelationScore::best_offset() const {
  std::pair<std::int64_t, std::int64_t> best{0, 0};
  for (const auto& [offset, count] : offsets)
    if (count > best.second || (count == best.second && std::abs(offset) < std::abs(best.first)))
      best = {offset, count};
  return best;
}

RelationScorer::RelationScorer(std::int64_t n_layers, std::int64_t n_heads, std::size_t n_relations,
                               Targets targets)
    : n_layers_(n_layers), n_heads_(n_heads), targets_(targets), scores_(n_relations) {
  const auto heads = static_cast<std::size_t>(n_layers * n_heads);
  for (RelationScore& score : scores_) {
    score.forward.assign(heads, 0);
    score.backward.assign(heads, 0);
  }
}

void RelationScorer::check_pair(const RelatedWords& pair, std::int64_t length) const {
  check(pair.relation < scores_.size(), kOp, "relation {} is not one of the {}", pair.relation,
        scores_.size());
  for (const TokenRange& word : {pair.from, pair.to})
    check(0 <= word.begin && word.begin < word.end && word.end <= length, kOp,
          "a word of tokens {}:{} in a text of {}", word.begin, word.end, length);
}

std::vector<std::int64_t> RelationScorer::strongest(const Rows& rows, std::span<const Token> tokens,
                                                    std::int64_t layer, TokenRange word) const {
  const auto length = std::ssize(tokens);
  std::vector<double> sums(static_cast<std::size_t>(n_heads_ * length), 0.0);
  for (std::int64_t query = word.begin; query < word.end; ++query) {
    const Tensor row = rows(layer, query);
    check(row.shape() == Shape({n_heads_, length}), kOp, "rows of shape {}, wanted {}",
          to_string(row.shape()), to_string(Shape({n_heads_, length})));
    const auto values = row.span<float>();
    for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += static_cast<double>(values[i]);
  }
  std::vector<std::int64_t> best(static_cast<std::size_t>(n_heads_), -1);
  for (std::int64_t head = 0; head < n_heads_; ++head) {
    const std::span weights = std::span(sums).subspan(static_cast<std::size_t>(head * length),
                                                      static_cast<std::size_t>(length));
    auto& target = best[static_cast<std::size_t>(head)];
    for (std::int64_t j = 0; j < length; ++j) {
      const bool other_word = !tokens[static_cast<std::size_t>(j)].special && !word.holds(j);
      if (targets_ == Targets::other_words && !other_word) continue;
      const double least = target < 0 ? 0.0 : weights[static_cast<std::size_t>(target)];
      if (weights[static_cast<std::size_t>(j)] > least) target = j;
    }
  }
  return best;
}

void RelationScorer::add(const Rows& rows, std::span<const Token> tokens,
                         std::span<const RelatedWords> pairs) {
  for (const RelatedWords& pair : pairs) check_pair(pair, std::ssize(tokens));
  for (std::int64_t layer = 0; layer < n_layers_; ++layer) {
    std::map<std::pair<std::int64_t, std::int64_t>, std::vector<std::int64_t>> seen;  // by word
    const auto targets_of = [&](TokenRange word) -> const std::vector<std::int64_t>& {
      auto& targets = seen[{word.begin, word.end}];
      if (targets.empty()) targets = strongest(rows, tokens, layer, word);
      return targets;
    };
    for (const RelatedWords& pair : pairs) {
      RelationScore& score = scores_[pair.relation];
      for (std::int64_t head = 0; head < n_heads_; ++head) {
        const auto h = static_cast<std::size_t>(head),
                   at = static_cast<std::size_t>(layer * n_heads_ + head);
        score.forward[at] += pair.to.holds(targets_of(pair.from)[h]);
        score.backward[at] += pair.from.holds(targets_of(pair.to)[h]);
      }
    }
  }
  for (const RelatedWords& pair : pairs) {
    ++scores_[pair.relation].pairs;
    ++scores_[pair.relation].offsets[pair.to.begin - pair.from.begin];
  }
}

void RelationScorer::add(const Trace& trace, std::span<const RelatedWords> pairs) {
  add([&](std::int64_t layer, std::int64_t query) { return query_rows(trace, layer, query); },
      trace.tokens, pairs);
}

}  // namespace headlight
