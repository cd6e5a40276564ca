#include "app/training_job.h"

#include <sys/resource.h>
#include <unistd.h>

#include <utility>
#include <vector>

#include "app/errors.h"
#include "app/json_view.h"
#include "app/scratch_folder.h"
#include "core/threads.h"
#include "train/examples.h"
#include "train/run.h"

namespace headlight::app {
namespace {

constexpr int kNice = 10;                // a tenth of a core beside a thread that is not nice
constexpr std::int64_t kSnapshots = 40;  // evenly spaced: they are watched as they come

/// The scheduler's lower priority for this thread alone; without it training would only be less
/// polite, so that a refusal is no failure.
void step_aside() {
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNice);
}

std::vector<std::int64_t> snapshot_steps(std::int64_t steps) {
  std::vector<std::int64_t> out = {1};
  for (std::int64_t i = 1; i <= kSnapshots; ++i)
    if (const std::int64_t step = steps * i / kSnapshots; step > out.back()) out.push_back(step);
  return out;
}

Json json_start(const Trainer& trainer, const TrainSettings& settings) {
  const ModelConfig& c = trainer.config();
  return {{"steps", settings.steps},
          {"seed", settings.seed},
          {"sequences", settings.sequences},
          {"n_layers", c.n_layers},
          {"n_heads", c.n_heads},
          {"d_model", c.d_model},
          {"parameters", trainer.n_parameters()}};
}

Json json_step(const RunProgress& progress) {
  return {{"step", progress.report.step},
          {"loss", json_number(progress.report.sum.mean())},
          {"accuracy", json_number(progress.report.sum.accuracy())},
          {"seconds", json_number(progress.seconds)},
          {"tokens_per_second", json_number(progress.tokens_per_second)}};
}

/// The parts of the micro-world are called by language and relation: "en coreference".
Json json_heldout(const std::vector<NamedLoss>& heldout) {
  Json out = Json::array();
  for (const NamedLoss& part : heldout)
    out.push_back({{"language", part.name.substr(0, part.name.find(' '))},
                   {"relation", part.name.substr(part.name.find(' ') + 1)},
                   {"asked", part.sum.targets},
                   {"accuracy", json_number(part.sum.accuracy())}});
  return out;
}

}  // namespace

TrainingJob::TrainingJob(std::string id, TrainSettings settings, std::chrono::milliseconds patience)
    : id_(std::move(id)),
      settings_(std::move(settings)),
      patience_(patience),
      thread_([this] { run(); }) {}

TrainingJob::~TrainingJob() {
  stop();
  thread_.join();
}

void TrainingJob::run() {
  step_aside();
  const ThreadLimit one(1);
  Json end;
  try {
    end = train();
  } catch (...) {
    end = {{"outcome", "failed"}, {"message", describe(std::current_exception()).message}};
  }
  running_ = false;  // before anybody can read that it ended, and asks for the next
  log_->add("end", end);
  log_->end();
}

Json TrainingJob::train() {
  const ScratchFolder folder;
  const auto source = make_examples(settings_, {});
  Trainer trainer(settings_, *source);
  log_->add("start", json_start(trainer, settings_));
  RunProgress last;
  Json heldout = Json::array();
  RunOptions options{.out = folder.path(), .snapshot_steps = snapshot_steps(settings_.steps)};
  options.on_step = [&](const RunProgress& progress) {
    last = progress;
    log_->add("step", json_step(progress));
  };
  options.on_snapshot = [&](const Json& snapshot) { log_->add("snapshot", snapshot); };
  options.on_heldout = [&](const std::vector<NamedLoss>& parts) { heldout = json_heldout(parts); };
  options.should_stop = [&] { return stopping_ || log_->unread_for() > patience_; };
  const bool finished = run_training(settings_, trainer, options);
  return {{"outcome", finished ? "finished" : "stopped"},
          {"step", last.report.step},
          {"seconds", json_number(last.seconds)},
          {"heldout", std::move(heldout)}};
}

Json TrainingJob::json() const {
  return {{"id", id_},
          {"state", !running_   ? "ended"
                    : stopping_ ? "stopping"
                                : "running"},
          {"steps", settings_.steps},
          {"seed", settings_.seed}};
}

}  // namespace headlight::app
