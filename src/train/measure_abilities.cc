#include "train/measure_abilities.h"

#include <algorithm>
#include <functional>
#include <tuple>
#include <utility>

#include "core/error.h"
#include "train/head_removal.h"
#include "train/head_sets.h"

namespace headlight {
namespace {

constexpr std::int64_t kSampleSentences = 2000;  // of the training split
constexpr std::int64_t kSetSentences = 400;      // most, for sets of heads
constexpr std::int64_t kLargestSet = 3;
constexpr std::size_t kRandomSets = 40;

class Measurement {
 public:
  Measurement(const Transformer& model, const Tokenizer& tokenizer, const AbilityOptions& options)
      : model_(model), tokens_(tokenizer), options_(options) {
    const ModelConfig& c = model.config();
    out_.n_layers = c.n_layers;
    out_.n_heads = c.n_heads;
    out_.sentences = options.sentences;
    out_.seed = options.seed;
    out_.relations.resize(kTopics);
    for (std::size_t topic = 0; topic < kTopics; ++topic) {
      out_.relations[topic].language = name_of(language_of(topic));
      out_.relations[topic].relation = name_of(relation_of(topic));
    }
  }

  Abilities run() {
    const MicroWorld world({.seed = options_.seed, .split = Split::heldout});
    count_looks(world);
    const auto questions = questions_of(tokens_, world, options_.sentences);
    if (options_.removals)
      measure_removals(questions);
    else
      for (const Question& question : questions) count_intact(question);
    std::erase_if(out_.relations,
                  [](const RelationAbility& each) { return each.asked + each.pairs == 0; });
    return std::move(out_);
  }

 private:
  std::int64_t n_heads() const { return out_.n_layers * out_.n_heads; }

  AblatedHead head_of(std::int64_t number) const {
    return {number / out_.n_heads, number % out_.n_heads};
  }

  void count_looks(const MicroWorld& world) {
    RelationScorer scorer(out_.n_layers, out_.n_heads, kTopics, Targets::all);
    for (std::int64_t i = 0; i < options_.sentences; ++i) {
      const MicroSentence sentence = world.sentence(static_cast<std::uint64_t>(i));
      const auto encoded = tokens_.encode(sentence.text);
      scorer.add(record_trace(model_, encoded.tokens, sentence.text),
                 related_words(sentence, encoded));
    }
    for (std::size_t topic = 0; topic < kTopics; ++topic) {
      const RelationScore& score = scorer.scores()[topic];
      RelationAbility& to = out_.relations[topic];
      to.pairs = score.pairs;
      to.looks = score.forward;
      std::tie(to.offset, to.offset_hits) = score.best_offset();
    }
  }

  void count_intact(const Question& question) {
    ForwardOptions options;
    options.logits = false;
    RelationAbility& to = out_.relations[question.topic];
    ++to.asked;
    to.right += names_it(model_, question, model_.forward(question.ids, options).last_hidden);
  }

  void measure_removals(const std::vector<Question>& questions) {
    for (RelationAbility& each : out_.relations)
      for (auto& by_head : each.without) by_head.resize(static_cast<std::size_t>(n_heads()));
    const MicroWorld training({.seed = options_.seed, .split = Split::train});
    const HeadRemoval removal(model_, questions_of(tokens_, training, kSampleSentences),
                              options_.seed);
    const MicroWorld coreference(
        {.seed = options_.seed, .split = Split::heldout, .relations = {Relation::coreference}});
    const auto about_sets =
        questions_of(tokens_, coreference, std::min(options_.sentences, kSetSentences));
    choose_sets();
    total_ = std::ssize(questions) * n_heads();
    for (const auto& sets : sets_) total_ += std::ssize(about_sets) * std::ssize(sets);
    for (std::size_t i = 0; i < questions.size(); ++i) ask_without_heads(removal, questions[i], i);
    for (std::size_t i = 0; i < about_sets.size(); ++i) ask_without_sets(removal, about_sets[i], i);
  }

  void ask_without_heads(const HeadRemoval& removal, const Question& question, std::size_t index) {
    RelationAbility& to = out_.relations[question.topic];
    removal.visit(question, index, [&](bool right, const HeadRemoval::Ask& ask) {
      ++to.asked;
      to.right += right;
      for (std::int64_t head = 0; head < n_heads(); ++head) {
        const auto answers = ask({head_of(head)});
        for (std::size_t i = 0; i < answers.size(); ++i) {
          Removed& removed = to.without[i][static_cast<std::size_t>(head)];
          removed.right += answers[i];
          removed.lost += right && !answers[i];
        }
      }
    });
    advance(n_heads());
  }

  /// For each size the heads of one layer that look at the referent most, in all languages.
  void choose_sets() {
    std::vector<std::int64_t> looks(static_cast<std::size_t>(n_heads()));
    for (const Language language : kLanguages) {
      const auto& more = out_.relations[topic_of(language, Relation::coreference)].looks;
      std::ranges::transform(looks, more, looks.begin(), std::plus<>());
    }
    for (std::int64_t size = 1; size <= std::min(kLargestSet, out_.n_heads); ++size) {
      const HeadNumbers chosen = strongest_set(looks, out_.n_heads, size);
      SetRemoval& set = out_.sets.emplace_back();
      set.relation = name_of(Relation::coreference);
      set.layer = chosen.front() / out_.n_heads;
      for (const std::int64_t head : chosen) set.heads.push_back(head % out_.n_heads);
      sets_.push_back(random_sets(chosen, n_heads(), kRandomSets, options_.seed));
      for (auto& right : set.random_right) right.resize(sets_.back().size());
      sets_.back().push_back(chosen);
    }
  }

  void ask_without_sets(const HeadRemoval& removal, const Question& question, std::size_t index) {
    removal.visit(question, index, [&](bool right, const HeadRemoval::Ask& ask) {
      for (std::size_t s = 0; s < sets_.size(); ++s) {
        SetRemoval& set = out_.sets[s];
        ++set.asked;
        set.right += right;
        for (std::size_t draw = 0; draw < sets_[s].size(); ++draw) {
          std::vector<AblatedHead> heads;
          for (const std::int64_t number : sets_[s][draw]) heads.push_back(head_of(number));
          const auto answers = ask(std::move(heads));
          const bool chosen = draw + 1 == sets_[s].size();
          for (std::size_t i = 0; i < answers.size(); ++i)
            (chosen ? set.right_without[i] : set.random_right[i][draw]) += answers[i];
        }
        advance(std::ssize(sets_[s]));
      }
    });
  }

  void advance(std::int64_t passes) {
    done_ += passes;
    if (options_.progress) options_.progress(done_, total_);
  }

  const Transformer& model_;
  MicroWorldTokens tokens_;
  const AbilityOptions& options_;
  Abilities out_;  // relations by topic
  std::vector<std::vector<HeadNumbers>>
      sets_;  // of each of out_.sets: the random ones, then itself
  std::int64_t done_ = 0, total_ = 0;
};

}  // namespace

Abilities measure_abilities(const Transformer& model, const Tokenizer& tokenizer,
                            const AbilityOptions& options) {
  check(model.config().mlm_head, "micro-world", "the model has no head for masked tokens");
  return Measurement(model, tokenizer, options).run();
}

}  // namespace headlight
