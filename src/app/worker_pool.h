// Threads for what waits: a request for its turn, an answer for its reader.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace headlight::app {

class WorkerPool {
 public:
  /// At most so many threads, of which none is started before it is needed.
  explicit WorkerPool(std::size_t most_threads) : most_threads_(most_threads) {}
  /// Ends when all jobs have.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  /// Runs `job`, which must not throw, on some thread of the pool, in the order of the calls.
  void add(std::function<void()> job);

 private:
  void start_thread();
  void work();

  const std::size_t most_threads_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;
  bool closed_ = false;
};

}  // namespace headlight::app
