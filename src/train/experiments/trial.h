// The pieces of an experiment that can be run apart: one arm, one seed each.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "io/json.h"

namespace headlight {

/// What a trial reports to, and asks, while it runs; from any thread.
struct TrialControl {
  std::function<void(std::int64_t steps)> progress;  ///< so many more steps are done
  std::function<bool()> should_stop;
};

struct Trial {
  std::string arm;  ///< what is compared
  std::uint64_t seed = 1;
  Json settings;           ///< everything that decides the outcome, the seed included
  std::int64_t steps = 1;  ///< how much work it is
  /// Measures, a JSON object; null when it was stopped.
  std::function<Json(const TrialControl&)> measure;

  /// A name for the settings: trials with equal settings, of whatever experiment, have one outcome.
  std::string id() const;
};

/// Outcomes by Trial::id().
using Measures = std::map<std::string, Json>;

struct TrialCallbacks {
  std::function<void(const Trial&, const Json& measures)> on_result = {};
  std::function<void(std::int64_t done, std::int64_t total)> on_progress = {};  ///< steps
  std::function<bool()> should_stop = {};
};

/// Runs those trials that `known` lacks and adds their measures to it: one thread each, as many at
/// a time as there are threads. What a trial gives does not depend on how many run beside it. The
/// callbacks are called one at a time. True when all are known; false when stopped.
bool run_trials(const std::vector<Trial>& trials, Measures& known, const TrialCallbacks& callbacks);

/// What was measured, by arm.
class Results {
 public:
  /// Throws when a trial's measures are missing.
  Results(const std::vector<Trial>& trials, const Measures& measures);

  /// The arms in the order of their first trials.
  const std::vector<std::string>& arms() const { return arms_; }
  /// A number of every trial of an arm, by seed; `pointer` is a JSON pointer ("/accuracy"). Throws
  /// when there is no such arm or number.
  std::vector<double> of(std::string_view arm, const std::string& pointer) const;
  const std::vector<Json>& measures(std::string_view arm) const;

 private:
  std::vector<std::string> arms_;
  std::map<std::string, std::vector<Json>, std::less<>> measures_;
};

}  // namespace headlight
