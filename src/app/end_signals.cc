#include "app/end_signals.h"

#include <pthread.h>
#include <unistd.h>

namespace headlight::app {

EndSignals::EndSignals() {
  sigemptyset(&set_);
  sigaddset(&set_, SIGINT);
  sigaddset(&set_, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &set_, &before_);
}

EndSignals::~EndSignals() {
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void EndSignals::wait() {
  int which = 0;
  sigwait(&set_, &which);
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

bool EndSignals::taken() {
  constexpr timespec kNow{0, 0};
  if (sigtimedwait(&set_, nullptr, &kNow) < 0) return false;
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  return true;
}

void EndSignals::end_wait() {
  ::kill(::getpid(), SIGTERM);
}

}  // namespace headlight::app
