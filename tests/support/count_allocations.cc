#include "support/count_allocations.h"

#include <malloc.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

std::atomic<int> g_allocations{0};

void* counted(std::size_t alignment, std::size_t bytes) {
  ++g_allocations;
  return memalign(alignment, bytes == 0 ? 1 : bytes);
}

}  // namespace

// Everything that allocates here: new, and Tensor by aligned_alloc. Not inlined, or gcc takes the
// free() in delete for a mistake.
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  if (void* p = counted(alignof(std::max_align_t), bytes)) return p;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* p) noexcept {
  std::free(p);
}
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept {
  std::free(p);
}
extern "C" void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  return counted(alignment, bytes);
}

namespace headlight::testing {

int allocations() {
  return g_allocations;
}

}  // namespace headlight::testing
