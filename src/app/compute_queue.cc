#include "app/compute_queue.h"

#include "app/errors.h"
#include "core/interruption.h"

namespace headlight::app {

ComputeQueue::ComputeQueue(std::size_t most_waiting)
    : most_waiting_(most_waiting), thread_([this] { work(); }) {}

ComputeQueue::~ComputeQueue() {
  close();
  thread_.join();
}

void ComputeQueue::close() {
  std::deque<std::function<void()>> dropped;  // destroyed outside the lock: that wakes callers
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    dropped.swap(waiting_);
  }
  changed_.notify_all();
}

void ComputeQueue::add(std::function<void()> job) {
  auto run_unless_given_up = [job = std::move(job), given_up = Interruption::current()] {
    const Interruption scope(given_up);
    if (!given_up || !given_up()) job();
  };
  {
    const std::lock_guard lock(mutex_);
    if (closed_) refuse_closed();
    if (waiting_.size() >= most_waiting_ + (busy_ ? 0 : 1))
      throw RequestError(429, "queue",
                         "the engine is busy and enough requests wait; try again soon");
    waiting_.push_back(std::move(run_unless_given_up));
  }
  changed_.notify_one();
}

void ComputeQueue::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return closed_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    std::function<void()> job = std::move(waiting_.front());
    waiting_.pop_front();
    busy_ = true;
    lock.unlock();
    job();
    job = nullptr;  // what it captured goes before the next one is taken
    lock.lock();
    busy_ = false;
  }
}

void ComputeQueue::refuse_closed() {
  throw RequestError(503, "queue", "the server is shutting down");
}

}  // namespace headlight::app
