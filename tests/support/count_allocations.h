// Counts allocations. A test that uses it lists count_allocations.cc among its sources and is a
// program of its own: operator new is replaced in all of it.
#pragma once

namespace headlight::testing {

/// Calls of operator new and aligned_alloc so far, by any thread.
int allocations();

/// How many of them `action` makes.
template <class Action>
int allocations_of(const Action& action) {
  const int before = allocations();
  action();
  return allocations() - before;
}

}  // namespace headlight::testing
