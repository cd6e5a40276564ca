#include "core/threads.h"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdlib>
#include <limits>
#include <string_view>

#include "core/error.h"

namespace headlight {
namespace {

std::atomic<int> g_threads{0};  // 0: not set, use the default
thread_local int t_limit = std::numeric_limits<int>::max();

int default_threads() {
  if (const char* env = std::getenv("HEADLIGHT_THREADS")) {
    const std::string_view text(env);
    int n = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    check(error == std::errc() && end == text.data() + text.size() && n >= 1, "threads",
          "HEADLIGHT_THREADS is '{}'; it must be a whole number of at least 1", printable(text));
    return n;
  }
  return omp_get_num_procs();
}

}  // namespace

int threads() {
  if (const int n = g_threads.load(std::memory_order_relaxed)) return std::min(n, t_limit);
  static const int fallback = default_threads();
  return std::min(fallback, t_limit);
}

void set_threads(int n) {
  check(n >= 0, "threads", "cannot use {} threads; give 1 or more, or 0 for the default", n);
  g_threads.store(n, std::memory_order_relaxed);
  use_threads_here();
}

void use_threads_here() {
  omp_set_num_threads(threads());
}

ThreadLimit::ThreadLimit(int most) : before_(t_limit) {
  check(most >= 1, "threads", "cannot limit to {} threads; give 1 or more", most);
  t_limit = std::min(t_limit, most);
  use_threads_here();
}

ThreadLimit::~ThreadLimit() {
  t_limit = before_;
  use_threads_here();
}

}  // namespace headlight
