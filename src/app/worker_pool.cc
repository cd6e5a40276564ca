#include "app/worker_pool.h"

#include <system_error>
#include <utility>

namespace headlight::app {

WorkerPool::~WorkerPool() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  changed_.notify_all();
  for (std::thread& each : threads_) each.join();
}

void WorkerPool::add(std::function<void()> job) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(job));
    if (waiting_.size() > idle_ && threads_.size() < most_threads_) start_thread();
  }
  changed_.notify_one();
}

void WorkerPool::start_thread() {
  try {
    threads_.emplace_back([this] { work(); });
  } catch (const std::system_error&) {  // the system has no more: those that there are have to do
    if (threads_.empty()) throw;
  }
}

void WorkerPool::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    changed_.wait(lock, [this] { return closed_ || !waiting_.empty(); });
    --idle_;
    if (waiting_.empty()) return;
    std::function<void()> job = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    job();
    job = nullptr;  // what it captured goes before the next one is taken
    lock.lock();
  }
}

}  // namespace headlight::app
