// What happened, in order, for readers that come and go: the text of a stream of server-sent events
// (HTML standard, section 9.2).
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "io/json.h"

namespace headlight::app {

/// One writer, any number of readers, none of which waits for another.
class EventLog {
 public:
  /// Events as a stream has them.
  struct Batch {
    std::string text;      ///< empty: none came
    std::size_t last = 0;  ///< the number of the last one, for the next call
    bool ended = false;    ///< none will come after these
  };

  /// Adds an event, whose number is one more than that of the one before, from 1.
  void add(std::string_view kind, const Json& data);
  /// No event is added any more; readers need not wait.
  void end();
  /// The events after the number `seen`; waits up to `patience` for the first of them.
  Batch after(std::size_t seen, std::chrono::milliseconds patience) const;

  void reader_came();
  void reader_left();
  std::size_t readers() const;
  /// How long there has been no reader; 0 while there is one.
  std::chrono::milliseconds unread_for() const;

 private:
  using Clock = std::chrono::steady_clock;

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::vector<std::string> events_;
  bool ended_ = false;
  std::size_t readers_ = 0;
  Clock::time_point alone_since_ = Clock::now();
};

/// A reader of a log, from the event after the number `seen` on. Counted while it lives.
class EventReader {
 public:
  EventReader(std::shared_ptr<EventLog> log, std::size_t seen);
  ~EventReader();
  EventReader(const EventReader&) = delete;
  EventReader& operator=(const EventReader&) = delete;

  /// The next piece of the stream, within a few seconds: where nothing happened, a comment, which
  /// tells whether the other side is still there.
  std::string next();
  /// Whether next() has given the last event.
  bool ended() const { return ended_; }

 private:
  std::shared_ptr<EventLog> log_;
  std::size_t seen_;
  bool ended_ = false;
};

}  // namespace headlight::app
