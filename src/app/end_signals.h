// SIGINT and SIGTERM as something to wait for.
#pragma once

#include <csignal>

namespace headlight::app {

/// Holds both signals back in this thread and in all that it starts from now on: one that was
/// started before would be ended by them.
class EndSignals {
 public:
  EndSignals();
  ~EndSignals();
  EndSignals(const EndSignals&) = delete;
  EndSignals& operator=(const EndSignals&) = delete;

  /// Waits for one. After it the next one ends the process.
  void wait();
  /// Whether one has come, without waiting. After it the next one ends the process.
  bool taken();
  /// Ends a wait() of another thread.
  static void end_wait();

 private:
  sigset_t set_, before_;
};

}  // namespace headlight::app
