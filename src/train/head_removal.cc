#include "train/head_removal.h"

#include <algorithm>
#include <utility>

#include "core/error.h"
#include "train/random.h"

namespace headlight {
namespace {

constexpr std::size_t kMeanSamples = 1000;

ModelRun run_of(const Transformer& model, const Question& question) {
  return record_run(model, tokens_of_ids(question.ids), "");
}

Tensor mean_over(const Transformer& model, std::span<const Question> samples) {
  MeanZ mean(model.config());
  for (const Question& sample : samples.first(std::min(kMeanSamples, samples.size())))
    mean.add(run_of(model, sample).trace);
  return mean.mean();
}

}  // namespace

bool names_it(const Transformer& model, const Question& question, const Tensor& last_hidden) {
  const std::int64_t d_model = model.config().d_model;
  const TensorView row(last_hidden.span<float>().data() + question.at * d_model,
                       Shape({1, d_model}));
  const Tensor logits = model.logits(row);
  const auto values = logits.span<float>();
  return std::ranges::max_element(values) - values.begin() == question.answer;
}

HeadRemoval::HeadRemoval(const Transformer& model, std::vector<Question> samples,
                         std::uint64_t seed)
    : model_(model), seed_(seed), mean_(mean_over(model, samples)) {
  for (Question& sample : samples) samples_[sample.topic].push_back(std::move(sample));
  for (auto& of_topic : samples_)
    std::ranges::stable_sort(of_topic, {}, [](const Question& q) { return q.ids.size(); });
}

const Question& HeadRemoval::sample_for(const Question& question, std::uint64_t index) const {
  const auto& all = samples_[question.topic];
  check(!all.empty(), "abilities", "no training sentence asks about {} {}",
        name_of(language_of(question.topic)), name_of(relation_of(question.topic)));
  const auto length = [](const Question& q) { return q.ids.size(); };
  auto same = std::ranges::equal_range(all, question.ids.size(), {}, length);
  if (same.empty()) {  // the next longer ones, else the longest
    const std::size_t near = length(same.begin() == all.end() ? all.back() : *same.begin());
    same = std::ranges::equal_range(all, near, {}, length);
  }
  Random random(seed_, RandomUse::resampling, index);
  return same[static_cast<std::size_t>(random.below(std::ssize(same)))];
}

void HeadRemoval::visit(const Question& question, std::uint64_t index,
                        const std::function<void(bool right, const Ask& ask)>& visit) const {
  const ModelRun intact = run_of(model_, question);
  const ModelRun other = run_of(model_, sample_for(question, index));
  visit(names_it(model_, question, intact.last_hidden), [&](std::vector<AblatedHead> heads) {
    Ablation ablation{.heads = std::move(heads), .mean = mean_, .other = &other};
    Answers answers;
    for (std::size_t i = 0; i < kReplacements.size(); ++i) {
      ablation.replacement = kReplacements[i];
      answers[i] = names_it(model_, question, ablated_hidden(model_, intact, ablation));
    }
    return answers;
  });
}

}  // namespace headlight
