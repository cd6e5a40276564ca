// One small model that is trained while the lab runs, on a thread of its own that steps aside for
// requests.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "app/event_log.h"
#include "io/json.h"
#include "train/settings.h"

namespace headlight::app {

class TrainingJob {
 public:
  /// Begins at once. Ends early when its log has had no reader for longer than `patience`.
  TrainingJob(std::string id, TrainSettings settings, std::chrono::milliseconds patience);
  /// Stops it and waits for its end.
  ~TrainingJob();
  TrainingJob(const TrainingJob&) = delete;
  TrainingJob& operator=(const TrainingJob&) = delete;

  const std::string& id() const { return id_; }
  /// Asks it to end after the step that it is at; returns at once.
  void stop() { stopping_ = true; }
  bool running() const { return running_; }
  /// Training of the HTTP API.
  Json json() const;
  /// "start", then "step" for every step and "snapshot" now and then, "end".
  const std::shared_ptr<EventLog>& log() const { return log_; }

 private:
  void run();
  Json train();

  const std::string id_;
  const TrainSettings settings_;
  const std::chrono::milliseconds patience_;
  const std::shared_ptr<EventLog> log_ = std::make_shared<EventLog>();
  std::atomic<bool> stopping_ = false, running_ = true;
  std::thread thread_;  // last: it uses the others
};

}  // namespace headlight::app
