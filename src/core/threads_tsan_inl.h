// parallel_for in a ThreadSanitizer build. The tool does not see the barriers of libgomp, which is
// not instrumented, and would report every region; plain threads do the same work where it can see.
#pragma once

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "core/threads.h"

namespace headlight {

template <class Body>
void parallel_for(std::int64_t n, const Body& body) {
  std::atomic<std::int64_t> next{0};
  std::mutex mutex;
  std::exception_ptr first;
  const auto work = [&] {
    for (std::int64_t i = next++; i < n; i = next++) {
      try {
        body(i);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!first) first = std::current_exception();
      }
    }
  };
  std::vector<std::thread> team;
  const auto others = std::min<std::int64_t>(threads(), n) - 1;
  for (std::int64_t t = 0; t < others; ++t) team.emplace_back(work);
  work();
  for (std::thread& thread : team) thread.join();
  if (first) std::rethrow_exception(first);
}

}  // namespace headlight
