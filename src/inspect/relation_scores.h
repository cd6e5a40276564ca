// How often a head's strongest target is a word that is known to be related: the probing of Clark
// et al. 2019 ("What Does BERT Look At?", section 4), with its baseline beside it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "core/tensor.h"
#include "inspect/trace.h"
#include "model/tokenizer.h"

namespace headlight {

/// Tokens [begin, end) of a text.
struct TokenRange {
  std::int64_t begin = 0;
  std::int64_t end = 0;

  bool holds(std::int64_t token) const { return begin <= token && token < end; }
};

/// The tokens that bytes [begin, end) of the text went into; nothing when there are none. Special
/// tokens are not among them.
std::optional<TokenRange> tokens_of_bytes(std::span<const Token> tokens, std::size_t begin,
                                          std::size_t end);

/// Two words and what they have to do with each other, as a number below the scorer's n_relations.
struct RelatedWords {
  TokenRange from, to;
  std::size_t relation = 0;
};

struct Interval {
  double low = 0, high = 1;
};
/// The 95 % score interval of a share (Wilson 1927): honest for few cases and near 0 and 1. [0, 1]
/// for no cases.
Interval wilson_interval(std::int64_t hits, std::int64_t cases);

/// What was counted of one relation. Heads are numbered layer * n_heads + head.
struct RelationScore {
  std::int64_t pairs = 0;
  std::vector<std::int64_t> forward;   ///< by head: the strongest target of `from` is in `to`
  std::vector<std::int64_t> backward;  ///< by head: the strongest target of `to` is in `from`
  std::map<std::int64_t, std::int64_t> offsets;  ///< pairs by to.begin - from.begin

  /// The best that always looking equally far could do, in either direction: (offset, pairs). The
  /// nearer offset of equally good ones.
  std::pair<std::int64_t, std::int64_t> best_offset() const;
};

/// Which targets of a row compete for being the strongest.
enum class Targets : std::uint8_t {
  /// Those that say something about words: neither special tokens ([CLS], [SEP], <s>), on which
  /// heads rest when they have nothing to do, nor the querying word itself. Clark's choice.
  other_words,
  all,  ///< every token: a head that rests on [SEP] looks at nothing else
};

/// Counts over texts. A word of several tokens queries with the mean of its rows, and is found when
/// any of its tokens is the strongest target; of equally strong ones the first counts.
class RelationScorer {
 public:
  RelationScorer(std::int64_t n_layers, std::int64_t n_heads, std::size_t n_relations,
                 Targets targets = Targets::other_words);

  /// Query row of every head of a layer: fp32 [n_heads, T].
  using Rows = std::function<Tensor(std::int64_t layer, std::int64_t query)>;

  /// Throws for a relation or tokens that are out of range, and rows of another shape.
  void add(const Rows& rows, std::span<const Token> tokens, std::span<const RelatedWords> pairs);
  void add(const Trace& trace, std::span<const RelatedWords> pairs);

  const std::vector<RelationScore>& scores() const { return scores_; }

 private:
  void check_pair(const RelatedWords& pair, std::int64_t length) const;
  /// The strongest target of a word in every head of a layer; -1 where nothing is left to look at.
  std::vector<std::int64_t> strongest(const Rows& rows, std::span<const Token> tokens,
                                      std::int64_t layer, TokenRange word) const;

  std::int64_t n_layers_, n_heads_;
  Targets targets_;
  std::vector<RelationScore> scores_;
};

}  // namespace headlight
