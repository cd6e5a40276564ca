// Timing for the benchmarks: the best of many runs, which other work on the machine disturbs least.
#pragma once

#include <algorithm>
#include <chrono>
#include <limits>
#include <vector>

namespace headlight::bench {

/// Seconds since some moment in the past.
inline double now_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Time of one call in seconds.
template <class Body>
double seconds_of(const Body& body) {
  const double start = now_seconds();
  body();
  return now_seconds() - start;
}

/// The middle one of `values`, which are not empty.
inline double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

inline double largest(const std::vector<double>& values) {
  return *std::max_element(values.begin(), values.end());
}

/// Shortest time of one call in seconds, over at least `repeats` calls and about `budget` seconds,
/// after one call that warms caches and builds what is built once.
template <class Body>
double best_seconds(const Body& body, double budget = 0.3, int repeats = 5) {
  body();
  double best = std::numeric_limits<double>::infinity(), spent = 0;
  for (int i = 0; i < repeats || spent < budget; ++i) {
    const double seconds = seconds_of(body);
    best = std::min(best, seconds);
    spent += seconds;
  }
  return best;
}

}  // namespace headlight::bench
