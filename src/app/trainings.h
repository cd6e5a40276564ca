// The trainings of the HTTP API: one at a time, watched by any page.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "app/event_log.h"
#include "app/lab_request.h"
#include "app/training_job.h"
#include "io/json.h"

namespace headlight::app {

struct TrainingLimits {
  std::size_t most_readers = 16;      ///< each holds a thread of the server
  std::chrono::seconds patience{30};  ///< a training without a reader for longer ends
};

class Trainings {
 public:
  explicit Trainings(TrainingLimits limits = {}) : limits_(limits) {}

  /// Answers a request for "trainings" and what follows it in the path, `rest`. Throws
  /// RequestError: 400 for a bad body, 404 for another id, 405, 429 while a training runs, 503
  /// after close().
  Json answer(const LabRequest& request, std::string_view rest);
  /// A reader of a training's events after the number `seen`. Throws RequestError: 404, 429.
  std::unique_ptr<EventReader> read(std::string_view id, std::size_t seen);
  /// Ends what runs and starts nothing any more.
  void close();

 private:
  Json start(std::string_view body);
  Json list() const;
  TrainingJob& find(std::string_view id) const;

  const TrainingLimits limits_;
  mutable std::mutex mutex_;
  std::unique_ptr<TrainingJob> job_;  // the one that runs, or was the last to
  bool closed_ = false;
};

/// The settings of a training that a page asks for: the preset nano-world with the body's seed,
/// steps and n_heads. Throws RequestError (400) naming the field.
TrainSettings read_training_request(std::string_view body);

}  // namespace headlight::app
