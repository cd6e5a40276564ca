// Definition of parallel_for, kept out of the header that people read.
#pragma once

#include <exception>

#include "core/threads.h"

namespace headlight {

template <class Body>
void parallel_for(std::int64_t n, const Body& body) {
  const int count = threads();
  if (n <= 1 || count == 1) {
    for (std::int64_t i = 0; i < n; ++i) body(i);
    return;
  }
  std::exception_ptr first;
#pragma omp parallel for schedule(dynamic, 1) num_threads(count)
  for (std::int64_t i = 0; i < n; ++i) {
    // An exception must not leave an OpenMP region: keep the first and rethrow it outside.
    try {
      body(i);
    } catch (...) {
#pragma omp critical(headlight_parallel_for)
      if (!first) first = std::current_exception();
    }
  }
  if (first) std::rethrow_exception(first);
}

}  // namespace headlight
