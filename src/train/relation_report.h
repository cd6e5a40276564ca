// What a model's heads have to do with the micro-world's relations: accuracy on hidden words, where
// heads look, and what it costs to remove one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/tokenizer.h"
#include "model/transformer.h"
#include "train/micro_world.h"

namespace headlight {

struct RelationReport {
  Language language = Language::english;
  Relation relation = Relation::coreference;
  std::int64_t asked = 0, right = 0;  ///< hidden words, and how many the model names
  std::int64_t pairs = 0;             ///< labelled token pairs
  /// Share of pairs whose second token is the head's strongest target, [n_layers * n_heads]: Clark
  /// et al. 2019, section 4.
  std::vector<double> heads = {};
  /// The same for the best head that looks a fixed number of tokens ahead or back.
  double fixed_offset = 0;
  std::int64_t offset = 0;
  /// Words named right when one head's gate is 0, [n_layers * n_heads]; empty when not asked for.
  std::vector<std::int64_t> right_without = {};

  double accuracy() const {
    return asked > 0 ? static_cast<double>(right) / static_cast<double>(asked) : 0;
  }
  /// The index of the head with the highest share, layer * n_heads + head.
  std::size_t best_head() const;
};

struct RelationReportOptions {
  std::int64_t sentences = 1000;  ///< held-out ones, from the first
  std::uint64_t seed = 1;
  bool removals = true;  ///< also run everything without each head
};

/// One report for each language and relation, in their order. Throws when the model has no head for
/// masked tokens, or not the micro-world's words.
std::vector<RelationReport> relation_reports(const Transformer& model, const Tokenizer& tokenizer,
                                             const RelationReportOptions& options);

}  // namespace headlight
