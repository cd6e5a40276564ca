#include "core/threads.h"

#include <omp.h>

#include <atomic>
#include <charconv>
#include <cstdlib>
#include <string_view>

#include "core/error.h"

namespace headlight {
namespace {

std::atomic<int> g_threads{0};  // 0: not set, use the default

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
  if (const int n = g_threads.load(std::memory_order_relaxed)) return n;
  static const int fallback = default_threads();
  return fallback;
}

void set_threads(int n) {
  check(n >= 0, "threads", "cannot use {} threads; give 1 or more, or 0 for the default", n);
  g_threads.store(n, std::memory_order_relaxed);
  use_threads_here();
}

void use_threads_here() {
  omp_set_num_threads(threads());
}

}  // namespace headlight
