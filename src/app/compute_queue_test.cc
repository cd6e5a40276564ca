#include "app/compute_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <thread>
#include <vector>

#include "app/errors.h"
#include "core/interruption.h"

namespace headlight::app {
namespace {

int status_of(const std::function<void()>& action) {
  try {
    action();
    return 200;
  } catch (...) {
    return describe(std::current_exception()).http_status;
  }
}

TEST(ComputeQueue, GivesBackWhatAJobReturnsOrThrows) {
  ComputeQueue queue(2);
  EXPECT_EQ(queue.run([] { return 7; }), 7);
  EXPECT_EQ(status_of([&] { queue.run([]() -> int { fail("job", "no"); }); }), 500);
  EXPECT_EQ(queue.run([] { return 8; }), 8) << "a job that threw does not end the queue";
}

TEST(ComputeQueue, RunsOneJobAtATime) {
  ComputeQueue queue(100);
  std::atomic<int> running = 0, most = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < 16; ++i)
    callers.emplace_back([&] {
      queue.run([&] {
        most = std::max<int>(most, ++running);
        std::this_thread::yield();
        --running;
      });
    });
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(most, 1);
}

/// A queue whose one job waits until it is let go.
class BusyQueue : public ::testing::Test {
 protected:
  BusyQueue()
      : queue_(2), first_([this] {
          queue_.run([this] {
            began_.count_down();
            let_go_.wait();
          });
        }) {
    began_.wait();
  }
  ~BusyQueue() override {
    if (first_.joinable()) finish();
  }
  void finish() {
    let_go_.count_down();
    first_.join();
  }

  ComputeQueue queue_;
  std::latch began_{1}, let_go_{1};
  std::thread first_;
};

TEST_F(BusyQueue, RefusesWhatCannotWait) {
  std::atomic<int> done = 0, refused = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < 10; ++i)
    callers.emplace_back([&] {
      const int status = status_of([&] { queue_.run([] {}); });
      (status == 200 ? done : status == 429 ? refused : done) += 1;
    });
  while (refused < 8) std::this_thread::yield();  // refused at once, while the first one runs
  finish();
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(refused, 8);
  EXPECT_EQ(done, 2);
}

TEST_F(BusyQueue, WhatWasGivenUpIsNotBegun) {
  std::atomic<bool> asked = false, begun = false;
  std::thread waiting([&] {
    const Interruption scope([&] { return asked = true; });
    EXPECT_EQ(status_of([&] { queue_.run([&] { begun = true; }); }), 503);
  });
  finish();
  waiting.join();
  EXPECT_TRUE(asked);
  EXPECT_FALSE(begun);
}

TEST(ComputeQueue, AJobStopsWhereItIsGivenUp) {
  ComputeQueue queue(2);
  int asked = 0;
  const Interruption scope([&] { return ++asked > 2; });
  int steps = 0;
  EXPECT_EQ(status_of([&] {
              queue.run([&] {
                for (;; ++steps) check_interruption();
              });
            }),
            500);
  EXPECT_EQ(steps, 1) << "asked once before it began";
  const Interruption nobody{GivenUp()};
  EXPECT_EQ(queue.run([] { return check_interruption(), 7; }), 7);
}

TEST_F(BusyQueue, CloseDropsWhatWaits) {
  std::atomic<int> status = 0;
  std::thread waiting([&] { status = status_of([&] { queue_.run([] {}); }); });
  while (status == 0) queue_.close();
  EXPECT_EQ(status, 503);
  EXPECT_EQ(status_of([&] { queue_.run([] {}); }), 503);
  finish();
  waiting.join();
}

}  // namespace
}  // namespace headlight::app
