#include "train/experiments/trial.h"

#include <algorithm>
#include <mutex>

#include "core/error.h"
#include "core/threads.h"
#include "train/hash.h"

namespace headlight {
namespace {

/// The callbacks, one at a time whatever the number of trials.
class Reporter {
 public:
  Reporter(const TrialCallbacks& callbacks, std::int64_t total)
      : callbacks_(callbacks), total_(total) {}

  void progress(std::int64_t steps) {
    const std::scoped_lock lock(mutex_);
    done_ += steps;
    if (callbacks_.on_progress) callbacks_.on_progress(done_, total_);
  }
  bool should_stop() {
    const std::scoped_lock lock(mutex_);
    if (!stopped_ && callbacks_.should_stop) stopped_ = callbacks_.should_stop();
    return stopped_;
  }
  void result(const Trial& trial, Json measures, Measures& known) {
    const std::scoped_lock lock(mutex_);
    const Json& kept = known[trial.id()] = std::move(measures);
    if (callbacks_.on_result) callbacks_.on_result(trial, kept);
  }

 private:
  const TrialCallbacks& callbacks_;
  std::mutex mutex_;
  std::int64_t done_ = 0, total_;
  bool stopped_ = false;
};

}  // namespace

std::string Trial::id() const {
  Hash hash;
  hash.add(settings.dump());
  return hash.text();
}

bool run_trials(const std::vector<Trial>& trials, Measures& known,
                const TrialCallbacks& callbacks) {
  std::vector<const Trial*> open;
  std::int64_t total = 0;
  for (const Trial& trial : trials) {
    if (known.contains(trial.id())) continue;
    open.push_back(&trial);
    total += trial.steps;
  }
  Reporter reporter(callbacks, total);
  const TrialControl control{[&](std::int64_t steps) { reporter.progress(steps); },
                             [&] { return reporter.should_stop(); }};
  parallel_for(std::ssize(open), [&](std::int64_t i) {
    const ThreadLimit alone(1);
    if (reporter.should_stop()) return;
    const Trial& trial = *open[static_cast<std::size_t>(i)];
    Json measures = trial.measure(control);
    if (!measures.is_null()) reporter.result(trial, std::move(measures), known);
  });
  return std::ranges::all_of(trials, [&](const Trial& t) { return known.contains(t.id()); });
}

Results::Results(const std::vector<Trial>& trials, const Measures& measures) {
  for (const Trial& trial : trials) {
    const auto found = measures.find(trial.id());
    check(found != measures.end(), "experiment", "{} with seed {} was not measured", trial.arm,
          trial.seed);
    if (!measures_.contains(trial.arm)) arms_.push_back(trial.arm);
    measures_[trial.arm].push_back(found->second);
  }
}

const std::vector<Json>& Results::measures(std::string_view arm) const {
  const auto found = measures_.find(arm);
  check(found != measures_.end(), "experiment", "there is no arm \"{}\"", printable(arm));
  return found->second;
}

std::vector<double> Results::of(std::string_view arm, const std::string& pointer) const {
  std::vector<double> out;
  for (const Json& one : measures(arm)) {
    const Json::json_pointer at(pointer);
    check(one.contains(at) && one.at(at).is_number(), "experiment", "{} has no number {}", arm,
          pointer);
    out.push_back(one.at(at).get<double>());
  }
  return out;
}

}  // namespace headlight
