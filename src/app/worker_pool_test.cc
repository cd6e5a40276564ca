#include "app/worker_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>
#include <set>

namespace headlight::app {
namespace {

TEST(WorkerPool, RunsEverythingBeforeItsEnd) {
  std::atomic<int> ran = 0;
  {
    WorkerPool pool(4);
    for (int i = 0; i < 100; ++i) pool.add([&] { ++ran; });
  }
  EXPECT_EQ(ran, 100);
}

TEST(WorkerPool, JobsThatWaitDoNotHoldUpOthers) {
  WorkerPool pool(8);
  std::latch all(8);  // passed only when all of them run at once
  for (int i = 0; i < 8; ++i) pool.add([&] { all.arrive_and_wait(); });
  all.wait();
}

TEST(WorkerPool, KeepsToItsThreads) {
  std::mutex mutex;
  std::set<std::thread::id> threads;
  {
    WorkerPool pool(2);
    for (int i = 0; i < 50; ++i)
      pool.add([&] {
        const std::lock_guard lock(mutex);
        threads.insert(std::this_thread::get_id());
      });
  }
  EXPECT_LE(threads.size(), 2u);
  EXPECT_GE(threads.size(), 1u);
}

}  // namespace
}  // namespace headlight::app
