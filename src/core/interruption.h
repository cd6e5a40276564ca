// Work that nobody waits for any more, and where it stops.
#pragma once

#include <functional>

namespace headlight {

/// Whether what a thread computes is given up.
using GivenUp = std::function<bool()>;

/// While it lives, this thread's long computations ask `given_up` between their steps (an empty
/// one: they run to their end). Scopes nest; the innermost is asked.
class Interruption {
 public:
  explicit Interruption(GivenUp given_up);
  ~Interruption();
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;

  /// What this thread's scope asks, to hand it on to a thread that works for this one.
  static GivenUp current();

 private:
  GivenUp given_up_;
  const GivenUp* outer_;  // of the scope around this one
};

/// Throws Error("interrupted", ...) when the thread's work is given up. Called between the blocks
/// of a forward pass.
void check_interruption();

}  // namespace headlight
