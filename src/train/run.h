// A training run from beginning to end, with what it leaves in its folder: checkpoint.safetensors,
// metrics.jsonl, settings.json, emergence.jsonl with snapshots, and the model.
#pragma once

#include <filesystem>
#include <functional>
#include <vector>

#include "train/trainer.h"

namespace headlight {

/// How far a run is; the callback sees one after every step.
struct RunProgress {
  StepReport report;
  std::int64_t steps = 0;        ///< of the whole run
  double seconds = 0;            ///< since this process began to train
  double tokens_per_second = 0;  ///< over the last steps
};

struct RunOptions {
  std::filesystem::path out;
  bool resume = false;                                   ///< go on from the folder's checkpoint
  std::function<void(const RunProgress&)> on_step = {};  ///< after every step
  std::function<void(const Json&)> on_snapshot = {};     ///< emergence.h, when one was taken
  /// Whenever the held-out examples were asked.
  std::function<void(const std::vector<NamedLoss>&)> on_heldout = {};
  /// Steps after which a snapshot is taken, ascending; empty: as the settings say.
  std::vector<std::int64_t> snapshot_steps = {};
  std::function<bool()> should_stop = {};  ///< asked after every step: true: save and return
};

/// Trains until the last step, or until it is asked to stop; true when all steps are done and the
/// model is written. Throws when `out` already holds a run that is not to be resumed.
bool run_training(const TrainSettings& settings, Trainer& trainer, const RunOptions& options);

}  // namespace headlight
