// Timing for the benchmarks: the best of many runs, which other work on the machine disturbs least.
#pragma once

#include <algorithm>
#include <chrono>
#include <limits>

namespace headlight::bench {

/// Shortest time of one call in seconds, over at least `repeats` calls and about `budget` seconds,
/// after one call that warms caches and builds what is built once.
template <class Body>
double best_seconds(const Body& body, double budget = 0.3, int repeats = 5) {
  using Clock = std::chrono::steady_clock;
  body();
  double best = std::numeric_limits<double>::infinity(), spent = 0;
  for (int i = 0; i < repeats || spent < budget; ++i) {
    const auto start = Clock::now();
    body();
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    best = std::min(best, seconds);
    spent += seconds;
  }
  return best;
}

}  // namespace headlight::bench
