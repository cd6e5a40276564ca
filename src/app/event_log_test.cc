#include "app/event_log.h"

#include <gtest/gtest.h>

#include <thread>

namespace headlight::app {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kAtOnce{0};
constexpr std::chrono::minutes kLong{1};

TEST(EventLog, GivesEventsInOrderAndEachOnce) {
  EventLog log;
  log.add("one", {{"a", 1}});
  log.add("two", {{"b", "x\ny"}});
  const EventLog::Batch all = log.after(0, kAtOnce);
  EXPECT_EQ(all.text,
            "id: 1\nevent: one\ndata: {\"a\":1}\n\nid: 2\nevent: two\ndata: {\"b\":\"x\\ny\"}\n\n");
  EXPECT_EQ(all.last, 2u);
  EXPECT_FALSE(all.ended);
  EXPECT_EQ(log.after(1, kAtOnce).text, all.text.substr(all.text.find("id: 2")));
  EXPECT_EQ(log.after(2, kAtOnce).text, "");
  EXPECT_EQ(log.after(99, kAtOnce).last, 99u) << "a number that is not there yet";
}

TEST(EventLog, NothingComesAfterTheEnd) {
  EventLog log;
  log.add("one", {});
  log.end();
  log.add("two", {});
  const EventLog::Batch all = log.after(0, kLong);
  EXPECT_EQ(all.last, 1u);
  EXPECT_TRUE(all.ended);
  EXPECT_TRUE(log.after(1, kLong).ended) << "and nobody waits for it";
}

TEST(EventLog, AReaderWaitsForWhatComes) {
  const auto log = std::make_shared<EventLog>();
  std::string got;
  std::thread reading([&] {
    EventReader reader(log, 0);
    while (!reader.ended()) got += reader.next();
  });
  log->add("one", {});
  log->add("two", {});
  log->end();
  reading.join();
  EXPECT_EQ(got, log->after(0, kAtOnce).text);
}

TEST(EventLog, KnowsWhetherItIsRead) {
  const auto log = std::make_shared<EventLog>();
  std::this_thread::sleep_for(milliseconds(2));
  EXPECT_GE(log->unread_for(), milliseconds(1));
  {
    const EventReader one(log, 0), two(log, 0);
    EXPECT_EQ(log->readers(), 2u);
    EXPECT_EQ(log->unread_for(), kAtOnce);
  }
  EXPECT_EQ(log->readers(), 0u);
}

}  // namespace
}  // namespace headlight::app
