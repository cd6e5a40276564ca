#include "core/caches.h"

#include <unistd.h>

namespace headlight {

std::int64_t l2_bytes() {
  constexpr std::int64_t kUsual = 1 << 20;
  static const std::int64_t bytes = [] {
    const long told = sysconf(_SC_LEVEL2_CACHE_SIZE);
    return told > 0 ? std::int64_t{told} : kUsual;
  }();
  return bytes;
}

}  // namespace headlight
