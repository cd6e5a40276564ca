// A model asked with and without some of its heads.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "core/tensor.h"
#include "inspect/abilities.h"
#include "inspect/ablation.h"
#include "model/transformer.h"
#include "train/ability_questions.h"

namespace headlight {

/// Whether a model names the word that a question asks for, by its final hidden states.
bool names_it(const Transformer& model, const Question& question, const Tensor& last_hidden);

/// Asks questions without heads. What stands in for them comes from `samples`, questions of the
/// training split; there must be some of each topic that is asked about.
class HeadRemoval {
 public:
  HeadRemoval(const Transformer& model, std::vector<Question> samples, std::uint64_t seed);

  /// Whether the answer is right for each replacement.
  using Answers = std::array<bool, kReplacements.size()>;
  using Ask = std::function<Answers(std::vector<AblatedHead> heads)>;
  /// Runs question `index` once as it is and calls `visit(right, ask)`; `ask` is valid during the
  /// call only.
  void visit(const Question& question, std::uint64_t index,
             const std::function<void(bool right, const Ask& ask)>& visit) const;

 private:
  const Question& sample_for(const Question& question, std::uint64_t index) const;

  const Transformer& model_;
  std::uint64_t seed_;
  std::array<std::vector<Question>, kTopics> samples_;  // by length
  Tensor mean_;
};

}  // namespace headlight
