// The one queue that all compute of the server goes through: one job at a time, few waiting.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <thread>
#include <type_traits>
#include <utility>

namespace headlight::app {

class ComputeQueue {
 public:
  /// `most_waiting`: jobs that may wait behind the one that runs.
  explicit ComputeQueue(std::size_t most_waiting);
  ~ComputeQueue();
  ComputeQueue(const ComputeQueue&) = delete;
  ComputeQueue& operator=(const ComputeQueue&) = delete;

  /// Runs `job` on the queue's thread and returns its result, or rethrows what it threw. Throws
  /// RequestError: at once with status 429 when too many are waiting, with 503 when the queue is
  /// closed, or the caller's Interruption says that it is given up, before the job began.
  template <class Job>
  std::invoke_result_t<Job> run(Job job) {
    auto task = std::make_shared<std::packaged_task<std::invoke_result_t<Job>()>>(std::move(job));
    auto result = task->get_future();
    add([task = std::move(task)] { (*task)(); });
    try {
      return result.get();
    } catch (const std::future_error&) {  // dropped by close()
      refuse_closed();
    }
  }

  /// Takes no more jobs and drops those that have not begun. May be called twice.
  void close();

 private:
  void add(std::function<void()> job);
  void work();
  [[noreturn]] static void refuse_closed();

  std::size_t most_waiting_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;
  bool busy_ = false;
  bool closed_ = false;
  std::thread thread_;
};

}  // namespace headlight::app
