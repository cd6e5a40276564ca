#include "train/trainer.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/mapped_file.h"
#include "train/checkpoint.h"
#include "train/hash.h"

namespace headlight {
namespace {

constexpr std::string_view kSource = "the settings' model";

Json with_vocabulary(Json model, std::int64_t vocab_size) {
  if (const auto given = model.find("vocab_size"); given != model.end())
    check(*given == vocab_size, "train", "{} says vocab_size {}, the data have {}; leave it out",
          kSource, describe(*given), vocab_size);
  model["vocab_size"] = vocab_size;
  return model;
}

/// Examples in batches of about `size`, those of like length together.
std::vector<Batch> batches_of(std::vector<Example> examples, std::size_t size,
                              const ModelConfig& config) {
  std::ranges::stable_sort(examples, {}, [](const Example& e) { return e.ids.size(); });
  std::vector<Batch> out;
  for (std::size_t i = 0; i < examples.size(); i += size)
    out.push_back(pack(std::span(examples).subspan(i, std::min(size, examples.size() - i)),
                       config.max_len, config.vocab_size));
  return out;
}

std::size_t micro_batch_size(const TrainSettings& s) {
  return static_cast<std::size_t>((s.sequences + s.micro_batches - 1) / s.micro_batches);
}

}  // namespace

Trainer::Trainer(const TrainSettings& settings, const ExampleSource& source)
    : settings_(settings),
      source_(source),
      model_(with_vocabulary(settings.model, source.vocab_size())),
      layout_(config_from_hugging_face(model_.dump(), kSource)),
      values_(layout_.make_store()),
      gradients_(layout_.make_store()),
      optimizer_(layout_, settings.adamw),
      network_(layout_, values_, gradients_) {
  for (const HeldOut& part : source.heldout())
    heldout_.push_back(
        {part.name, batches_of(part.examples, micro_batch_size(settings), layout_.config())});
  initialise(layout_, settings.seed, static_cast<float>(settings.initial_deviation), values_);
}

void Trainer::tie_heads() {
  check(steps_done_ == 0, "train", "heads can be tied before the first step, not after {}",
        steps_done_);
  tied_.emplace(layout_);
  tied_->copy_first(values_);
}

void Trainer::start_from(const Folder& model) {
  check(steps_done_ == 0, "train", "weights can be taken before the first step, not after {}",
        steps_done_);
  check(settings_.data.kind != DataKind::text, "train",
        "a text's vocabulary is learnt anew, so that another model's weights mean nothing to it");
  read_parameters(layout_, model, values_);
  Hash hash;
  hash.add({reinterpret_cast<const char*>(values_.span<float>().data()),
            values_.span<float>().size_bytes()});
  started_from_ = "-from-" + hash.text();
}

std::int64_t Trainer::n_free_parameters() const {
  return n_parameters() - (tied_ ? tied_->n_copies() : 0);
}

std::vector<Batch> Trainer::next_batches() const {
  std::vector<Example> examples;
  const auto first = static_cast<std::uint64_t>(steps_done_ * settings_.sequences);
  for (std::int64_t i = 0; i < settings_.sequences; ++i)
    examples.push_back(source_.example(first + static_cast<std::uint64_t>(i)));
  return batches_of(examples, micro_batch_size(settings_), config());
}

StepReport Trainer::step() {
  const std::vector<Batch> batches = next_batches();
  StepReport report{.step = steps_done_ + 1};
  std::size_t targets = 0;
  for (const Batch& batch : batches) {
    targets += batch.targets.size();
    report.tokens += batch.rows();
  }
  std::ranges::fill(gradients_.span<float>(), 0.0f);
  network_.set_head_overlap(settings_.head_overlap_at(steps_done_));
  const double weight = 1 / static_cast<double>(std::max<std::size_t>(targets, 1));
  for (const Batch& batch : batches) report.sum += network_.train(batch, weight);
  if (tied_) tied_->sum_into_first(gradients_);  // what is shared counts once in the norm
  report.gradient_norm = global_norm(gradients_);
  if (tied_) tied_->copy_first(gradients_);
  check(std::isfinite(report.sum.loss) && std::isfinite(report.gradient_norm), "train",
        "step {}: loss {} and gradient norm {}; a smaller learning_rate may help", report.step,
        report.sum.mean(), report.gradient_norm);
  report.learning_rate = settings_.schedule().at(steps_done_);
  const bool clipped = settings_.clip > 0 && report.gradient_norm > settings_.clip;
  optimizer_.update(values_, gradients_, steps_done_, report.learning_rate,
                    clipped ? settings_.clip / report.gradient_norm : 1);
  ++steps_done_;
  return report;
}

std::vector<NamedLoss> Trainer::evaluate() {
  std::vector<NamedLoss> out;
  for (const HeldOutBatches& part : heldout_) {
    NamedLoss& loss = out.emplace_back(NamedLoss{part.name, {}});
    for (const Batch& batch : part.batches) loss.sum += network_.evaluate(batch);
  }
  return out;
}

std::string Trainer::run_name() const {
  return fingerprint(settings_) + "-" + source_.fingerprint() + (tied_ ? "-tied" : "") +
         started_from_;
}

void Trainer::save(const std::filesystem::path& checkpoint) const {
  write_checkpoint(checkpoint, run_name(), steps_done_, values_, optimizer_);
}

void Trainer::restore(const std::filesystem::path& checkpoint) {
  steps_done_ = read_checkpoint(checkpoint, run_name(), values_, optimizer_);
}

void Trainer::write_model(const std::filesystem::path& folder) const {
  write_text_file(folder / "config.json", model_.dump(1) + "\n");
  source_.write_tokenizer(folder);
  write_parameters(layout_, values_, folder);
}

}  // namespace headlight
