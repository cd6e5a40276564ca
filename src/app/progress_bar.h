// How far a long task is, on one line of a terminal that is written again and again, or as a line
// now and then where output is kept.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace headlight::app {

/// "12 s", "3 min 20 s", "2 h 5 min".
std::string duration_text(double seconds);
/// "950", "12.3k", "1.2M".
std::string count_text(double count);

/// Writes to standard error, so that results can be piped.
class ProgressBar {
 public:
  ProgressBar();
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// Shows `done` of `total` and what else there is to say; quick to call as often as one likes.
  void show(std::int64_t done, std::int64_t total, const std::string& what);

 private:
  using Clock = std::chrono::steady_clock;
  bool terminal_;
  bool drawn_ = false;
  Clock::time_point next_;
};

}  // namespace headlight::app
