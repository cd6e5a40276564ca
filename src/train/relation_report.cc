#include "train/relation_report.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "core/error.h"
#include "train/head_rows.h"
#include "train/micro_world_tokens.h"

namespace headlight {
namespace {

using Key = std::pair<Language, Relation>;

/// The strongest target of every token in every head of one sentence.
class Targets {
 public:
  Targets(const Transformer& model, std::span<const std::int64_t> ids) : length_(ids.size()) {
    visit_head_rows(model, ids, [&](const HeadRow& row) {
      targets_.push_back(std::ranges::max_element(row.weights) - row.weights.begin());
    });
  }

  /// Of head `index`, layer * n_heads + head.
  std::int64_t of(std::size_t index, std::int64_t query) const {
    return targets_[index * length_ + static_cast<std::size_t>(query)];
  }

 private:
  std::size_t length_;
  std::vector<std::int64_t> targets_;  // [layer, head, query]
};

/// Hidden words of one relation, asked one at a time.
struct Question {
  std::vector<std::int64_t> ids;
  std::int64_t at, answer;
};

Question question_of(Example example) {
  const auto found =
      std::ranges::find_if(example.targets, [](std::int64_t t) { return t != kIgnoredTarget; });
  return {std::move(example.ids), found - example.targets.begin(), *found};
}

bool answered(const Transformer& model, const Question& question, const HeadGates* gates) {
  ForwardOptions options;
  options.head_gates = gates;
  const ForwardResult result = model.forward(question.ids, options);
  const std::int64_t n = model.config().vocab_size;
  const auto row = result.logits.span<float>().subspan(static_cast<std::size_t>(question.at * n),
                                                       static_cast<std::size_t>(n));
  return std::ranges::max_element(row) - row.begin() == question.answer;
}

class Reporter {
 public:
  Reporter(const Transformer& model, const Tokenizer& tokenizer)
      : model_(model),
        tokens_(tokenizer),
        n_heads_(static_cast<std::size_t>(model.config().n_layers * model.config().n_heads)) {}

  void add(const MicroSentence& sentence) {
    const auto encoded = tokens_.encode(sentence.text);
    const Targets targets(model_, encoded.example.ids);
    for (const RelationLabel& label : sentence.relations) {
      const auto from = static_cast<std::int64_t>(encoded.at(label.from));
      const auto to = static_cast<std::int64_t>(encoded.at(label.to));
      Counts& counts = counts_[{sentence.language, label.relation}];
      ++counts.pairs;
      ++counts.offsets[to - from];
      counts.hits.resize(n_heads_);
      for (std::size_t h = 0; h < n_heads_; ++h) counts.hits[h] += targets.of(h, from) == to;
    }
    for (const MaskedWord& asked : sentence.masks)
      counts_[{sentence.language, asked.relation}].questions.push_back(
          question_of(tokens_.hidden(sentence, asked)));
  }

  std::vector<RelationReport> reports(bool removals) const {
    std::vector<RelationReport> out;
    for (const auto& [key, counts] : counts_) out.push_back(report(key, counts, removals));
    return out;
  }

 private:
  struct Counts {
    std::int64_t pairs = 0;
    std::vector<std::int64_t> hits;
    std::map<std::int64_t, std::int64_t> offsets;
    std::vector<Question> questions;
  };

  std::int64_t right(const Counts& counts, const HeadGates* gates) const {
    return std::ranges::count_if(counts.questions,
                                 [&](const Question& q) { return answered(model_, q, gates); });
  }

  RelationReport report(const Key& key, const Counts& counts, bool removals) const {
    RelationReport out{.language = key.first, .relation = key.second};
    out.asked = std::ssize(counts.questions);
    out.right = right(counts, nullptr);
    out.pairs = counts.pairs;
    const auto share = [&](std::int64_t n) {
      return counts.pairs > 0 ? static_cast<double>(n) / static_cast<double>(counts.pairs) : 0;
    };
    out.heads.assign(n_heads_, 0);
    for (std::size_t h = 0; h < counts.hits.size(); ++h) out.heads[h] = share(counts.hits[h]);
    for (const auto& [offset, n] : counts.offsets)
      if (share(n) > out.fixed_offset)
        std::tie(out.fixed_offset, out.offset) = std::pair(share(n), offset);
    if (!removals) return out;
    const std::int64_t per_layer = model_.config().n_heads;
    for (std::int64_t h = 0; h < static_cast<std::int64_t>(n_heads_); ++h) {
      HeadGates gates(model_.config());
      gates.set(h / per_layer, h % per_layer, 0);
      out.right_without.push_back(right(counts, &gates));
    }
    return out;
  }

  const Transformer& model_;
  MicroWorldTokens tokens_;
  std::size_t n_heads_;
  std::map<Key, Counts> counts_;
};

}  // namespace

std::size_t RelationReport::best_head() const {
  return static_cast<std::size_t>(std::ranges::max_element(heads) - heads.begin());
}

std::vector<RelationReport> relation_reports(const Transformer& model, const Tokenizer& tokenizer,
                                             const RelationReportOptions& options) {
  check(model.config().mlm_head, "micro-world", "the model has no head for masked tokens");
  const MicroWorld world({.seed = options.seed, .split = Split::heldout});
  Reporter reporter(model, tokenizer);
  for (std::int64_t i = 0; i < options.sentences; ++i)
    reporter.add(world.sentence(static_cast<std::uint64_t>(i)));
  return reporter.reports(options.removals);
}

}  // namespace headlight
