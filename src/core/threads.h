// The one thread pool: OpenMP's.
#pragma once

#include <cstdint>

namespace headlight {

/// Threads that parallel regions use: set_threads(), else HEADLIGHT_THREADS, else all cores
/// this process may run on; under a ThreadLimit no more than that.
int threads();
/// n >= 1; 0 returns to the default. Throws on a negative number.
void set_threads(int n);
/// Makes plain OpenMP regions of the calling thread run on threads() threads: OpenMP keeps that
/// number per calling thread.
void use_threads_here();

/// While one lives, threads() is at most `most` on the thread that made it: for work so small that
/// waking the others costs more than they take over. Limits nest; the smallest counts.
class ThreadLimit {
 public:
  explicit ThreadLimit(int most);
  ~ThreadLimit();
  ThreadLimit(const ThreadLimit&) = delete;
  ThreadLimit& operator=(const ThreadLimit&) = delete;

 private:
  int before_;
};

/// Calls body(i) for i in [0, n) on the pool, dynamically scheduled. The first exception thrown by
/// a body is rethrown here after all bodies have ended. Runs in line for n == 1 or one thread.
template <class Body>
void parallel_for(std::int64_t n, const Body& body);

}  // namespace headlight

#ifdef __SANITIZE_THREAD__
#include "core/threads_tsan_inl.h"
#else
#include "core/threads_inl.h"
#endif
