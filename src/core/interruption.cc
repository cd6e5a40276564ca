#include "core/interruption.h"

#include <utility>

#include "core/error.h"

namespace headlight {
namespace {

thread_local const GivenUp* t_given_up = nullptr;

}  // namespace

Interruption::Interruption(GivenUp given_up)
    : given_up_(std::move(given_up)), outer_(std::exchange(t_given_up, &given_up_)) {}

Interruption::~Interruption() {
  t_given_up = outer_;
}

GivenUp Interruption::current() {
  return t_given_up ? *t_given_up : GivenUp();
}

void check_interruption() {
  const bool given_up = t_given_up && *t_given_up && (*t_given_up)();
  check(!given_up, "interrupted", "whoever asked for this has gone");
}

}  // namespace headlight
