#include "train/run.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <vector>

#include "core/error.h"
#include "core/mapped_file.h"
#include "train/checkpoint.h"
#include "train/emergence.h"
#include "train/step_lines.h"

namespace headlight {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Tokens per second over the recent past: older steps count less and less.
class Speed {
 public:
  double after(std::int64_t tokens, double seconds) {
    constexpr double kKept = 0.95;
    tokens_ = kKept * tokens_ + static_cast<double>(tokens);
    seconds_ = kKept * seconds_ + seconds;
    return tokens_ / seconds_;
  }

 private:
  double tokens_ = 0, seconds_ = 1e-9;
};

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  check(!error, "train", "cannot make the folder {}: {}", printable(folder.string(), 300),
        error.message());
}

/// Brings the trainer to where the folder's run is.
void take_up(Trainer& trainer, const RunOptions& options) {
  const fs::path checkpoint = options.out / kCheckpointFile;
  remove_unfinished(options.out);
  if (is_taken(checkpoint)) {
    check(options.resume, "train",
          "{} holds a training run; --resume goes on with it, another --out starts a new one",
          printable(options.out.string(), 300));
    trainer.restore(checkpoint);
  }
}

nlohmann::ordered_json metrics_of(const RunProgress& progress,
                                  const std::vector<NamedLoss>& heldout) {
  const StepReport& r = progress.report;
  nlohmann::ordered_json line = {{"step", r.step},
                                 {"loss", r.sum.mean()},
                                 {"accuracy", r.sum.accuracy()},
                                 {"learning_rate", r.learning_rate},
                                 {"gradient_norm", r.gradient_norm},
                                 {"tokens", r.tokens},
                                 {"tokens_per_second", progress.tokens_per_second},
                                 {"seconds", progress.seconds}};
  for (const NamedLoss& part : heldout)
    line["heldout"][part.name] = {{"loss", part.sum.mean()}, {"accuracy", part.sum.accuracy()}};
  return line;
}

/// What a run leaves in its folder while it goes on.
class Records {
 public:
  Records(const TrainSettings& settings, Trainer& trainer, const RunOptions& options)
      : settings_(settings),
        trainer_(trainer),
        options_(options),
        metrics_(options.out / "metrics.jsonl", trainer.steps_done()) {
    snapshots_ = options.snapshot_steps;
    if (snapshots_.empty() && settings.snapshots > 0)
      snapshots_ = log_spaced(settings.steps, settings.snapshots);
    if (snapshots_.empty()) return;
    check(trainer.relations_tokenizer() != nullptr, "train",
          "snapshots are of relations between words, which only micro-world data have");
    emergence_.emplace(options.out / "emergence.jsonl", trainer.steps_done());
  }

  void add(const RunProgress& progress) {
    const std::int64_t step = progress.report.step;
    const bool evaluate = step == settings_.steps || step % settings_.evaluate_every == 0;
    const auto heldout = evaluate ? trainer_.evaluate() : std::vector<NamedLoss>();
    metrics_.add(metrics_of(progress, heldout));
    if (evaluate && options_.on_heldout) options_.on_heldout(heldout);
    if (std::ranges::binary_search(snapshots_, step)) add_snapshot(step);
  }

  void save() {
    metrics_.flush();
    if (emergence_) emergence_->flush();
    trainer_.save(options_.out / kCheckpointFile);
  }

 private:
  void add_snapshot(std::int64_t step) {
    trainer_.write_model(options_.out);
    const Json snapshot =
        emergence_snapshot(step, Transformer::load(options_.out), *trainer_.relations_tokenizer());
    emergence_->add(snapshot);
    if (options_.on_snapshot) options_.on_snapshot(snapshot);
  }

  const TrainSettings& settings_;
  Trainer& trainer_;
  const RunOptions& options_;
  StepLines metrics_;
  std::optional<StepLines> emergence_;
  std::vector<std::int64_t> snapshots_;
};

}  // namespace

bool run_training(const TrainSettings& settings, Trainer& trainer, const RunOptions& options) {
  make_folder(options.out);
  take_up(trainer, options);
  write_text_file(options.out / "settings.json", to_json(settings).dump(1) + "\n");
  Records records(settings, trainer, options);
  const Clock::time_point start = Clock::now();
  Speed speed;
  while (trainer.steps_done() < settings.steps) {
    const Clock::time_point before = Clock::now();
    const StepReport report = trainer.step();
    const double took = seconds_since(before);
    const bool last = report.step == settings.steps;
    const bool stop = options.should_stop && options.should_stop();
    const RunProgress progress{report, settings.steps, seconds_since(start),
                               speed.after(report.tokens, took)};
    records.add(progress);
    if (options.on_step) options.on_step(progress);
    if (last || stop || report.step % settings.checkpoint_every == 0) records.save();
    if (stop && !last) return false;
  }
  trainer.write_model(options.out);
  return true;
}

}  // namespace headlight
