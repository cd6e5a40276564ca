#include "app/progress_bar.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>

#include "app/terminal.h"

namespace headlight::app {

std::string duration_text(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::llround(std::max(seconds, 0.0)));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

std::string count_text(double count) {
  if (count < 1000) return fmt::format("{:.0f}", count);
  if (count < 1e6) return fmt::format("{:.1f}k", count / 1e3);
  return fmt::format("{:.1f}M", count / 1e6);
}

ProgressBar::ProgressBar() : terminal_(::isatty(STDERR_FILENO) != 0), next_(Clock::now()) {}

ProgressBar::~ProgressBar() {
  if (drawn_) std::fputc('\n', stderr);
}

void ProgressBar::show(std::int64_t done, std::int64_t total, const std::string& what) {
  using std::chrono::milliseconds;
  const Clock::time_point now = Clock::now();
  if (now < next_ && done < total) return;
  next_ = now + (terminal_ ? milliseconds(100) : milliseconds(10000));
  const double share = static_cast<double>(done) / static_cast<double>(total);
  if (!terminal_) {
    std::fputs(fmt::format("{}/{} {}\n", done, total, what).c_str(), stderr);
    return;
  }
  constexpr std::size_t kCells = 16;
  const std::string line = fmt::format("{} {:3.0f} % {}/{} {}", fit(bar(share, kCells), kCells),
                                       share * 100, done, total, what);
  std::fputs(("\r\x1b[K" + cut(line, kColumns - 1)).c_str(), stderr);
  std::fflush(stderr);
  drawn_ = true;
}

}  // namespace headlight::app
