#include "app/trainings.h"

#include <fmt/format.h>

#include <random>
#include <utility>

#include "app/errors.h"

namespace headlight::app {
namespace {

constexpr std::string_view kPreset = "nano-world";
constexpr std::string_view kHeads = "num_attention_heads", kWidth = "hidden_size";
constexpr std::int64_t kLeastSteps = 10, kMostSteps = 3000;
constexpr std::int64_t kMostHeads = 16;
constexpr std::string_view kOp = "training";

TrainSettings read_checked(std::string_view body) {
  const Json json = parse_json(body, "request body");
  const JsonObject fields(json, "request body");
  check_keys(json, {"seed", "steps", "n_heads"});
  TrainSettings settings = train_settings(find_preset(kPreset).settings, kPreset);
  settings.seed = static_cast<std::uint64_t>(fields.integer_or(
      "seed", static_cast<std::int64_t>(settings.seed), 0, std::int64_t{1} << 53));
  const std::int64_t steps = fields.integer_or("steps", settings.steps, kLeastSteps, kMostSteps);
  settings.warmup = settings.warmup * steps / settings.steps;
  settings.steps = steps;
  const auto usual = settings.model.at(kHeads).get<std::int64_t>();
  const auto width = settings.model.at(kWidth).get<std::int64_t>();
  const std::int64_t heads = fields.integer_or("n_heads", usual, 1, kMostHeads);
  check(width % heads == 0, "request",
        "n_heads {} does not divide d_model {}; 1, 2, 4, 8 and 16 do", heads, width);
  settings.model[kHeads] = heads;
  // Nothing of it is resumed, and what it came to know is asked once, at the end.
  settings.checkpoint_every = settings.evaluate_every = steps;
  return settings;
}

/// Other than those of servers before, which pages may still ask for.
std::string new_id() {
  std::random_device random;
  return fmt::format("r{:08x}{:08x}", random(), random());
}

void refuse_unless(bool known) {
  if (!known) throw RequestError(405, "http", "this is not what this address is for");
}

}  // namespace

TrainSettings read_training_request(std::string_view body) {
  return as_request([&] { return read_checked(body); });
}

Json Trainings::answer(const LabRequest& request, std::string_view rest) {
  if (rest.empty()) {
    if (request.post) return start(request.body);
    refuse_unless(!request.remove);
    return list();
  }
  rest.remove_prefix(1);
  const std::lock_guard lock(mutex_);
  TrainingJob& job = find(rest.substr(0, rest.find('/')));
  refuse_unless(!request.post && rest == job.id());
  if (request.remove) job.stop();
  return job.json();
}

std::unique_ptr<EventReader> Trainings::read(std::string_view id, std::size_t seen) {
  const std::lock_guard lock(mutex_);
  const auto& log = find(id).log();
  if (log->readers() >= limits_.most_readers)
    throw RequestError(429, kOp, "enough pages watch this training; try again soon");
  return std::make_unique<EventReader>(log, seen);
}

void Trainings::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  if (job_) job_->stop();
}

Json Trainings::start(std::string_view body) {
  TrainSettings settings = read_training_request(body);
  const std::lock_guard lock(mutex_);
  if (closed_) throw RequestError(503, kOp, "the server is shutting down");
  if (job_ && job_->running())
    throw RequestError(429, kOp, "a training runs already; watch it, or wait for its end");
  job_ = std::make_unique<TrainingJob>(new_id(), std::move(settings), limits_.patience);
  return job_->json();
}

Json Trainings::list() const {
  const std::lock_guard lock(mutex_);
  Json all = Json::array();
  if (job_) all.push_back(job_->json());
  return {{"trainings", std::move(all)}};
}

TrainingJob& Trainings::find(std::string_view id) const {
  if (!job_ || job_->id() != id)
    throw RequestError(404, kOp, fmt::format("there is no training \"{}\" here", printable(id)));
  return *job_;
}

}  // namespace headlight::app
