#include "app/trainings.h"

#include <gtest/gtest.h>

#include <sstream>
#include <utility>

#include "app/errors.h"

namespace headlight::app {
namespace {

constexpr std::string_view kPath = "/api/v1/trainings";

LabRequest post(std::string body) {
  return {true, std::string(kPath), {}, std::move(body)};
}
LabRequest get() {
  return {false, std::string(kPath), {}, ""};
}
LabRequest stopping() {
  return {false, std::string(kPath), {}, "", true};
}

/// The status that a call is refused with; 200 when it is not.
template <class Call>
int status_of(const Call& call) {
  try {
    call();
  } catch (const RequestError& error) {
    return error.status();
  }
  return 200;
}

/// Everything that a stream brings until its end: kinds and data.
using Events = std::vector<std::pair<std::string, Json>>;
Events read_all(EventReader& reader) {
  std::string text;
  while (!reader.ended()) text += reader.next();
  Events events;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("event: ")) events.emplace_back(line.substr(7), Json());
    if (line.starts_with("data: ")) events.back().second = Json::parse(line.substr(6));
  }
  return events;
}

TEST(Trainings, TellOfEveryStepInOrderAndAgain) {
  Trainings trainings;
  const Json started = trainings.answer(post(R"({"steps": 10, "seed": 3, "n_heads": 2})"), "");
  EXPECT_EQ(started["state"], "running");
  const std::string id = started["id"];
  const auto reader = trainings.read(id, 0);
  const Events events = read_all(*reader);
  ASSERT_EQ(events.size(), 22u);
  EXPECT_EQ(events.front().first, "start");
  EXPECT_EQ(events.front().second["n_heads"], 2);
  std::int64_t steps = 0, snapshots = 0;
  for (const auto& [kind, data] : events) {
    if (kind == "step") {
      EXPECT_EQ(data["step"], ++steps);
    }
    if (kind != "snapshot") continue;
    ++snapshots;
    const Json& sentence = data["sentences"][0];
    const std::size_t heads = 2 * events.front().second["n_layers"].get<std::size_t>();
    const std::size_t length = sentence["tokens"].size();
    EXPECT_EQ(sentence["patterns"].get<std::string>().size(), heads * length * length);
    EXPECT_EQ(data["relations"][0]["heads"].size(), heads);
    EXPECT_GT(data["relations"][0]["pairs"], 0);
  }
  EXPECT_EQ(steps, 10);
  EXPECT_EQ(snapshots, 10);
  const auto& [last, end] = events.back();
  EXPECT_EQ(last, "end");
  EXPECT_EQ(end["outcome"], "finished");
  EXPECT_EQ(end["step"], 10);
  EXPECT_FALSE(end["heldout"].empty());
  EXPECT_EQ(trainings.answer(get(), "/" + id)["state"], "ended");
  const Events rest = read_all(*trainings.read(id, events.size() - 2));
  ASSERT_EQ(rest.size(), 2u) << "a reader that comes back goes on where it was";
  EXPECT_EQ(rest.back(), events.back());
}

TEST(Trainings, OneAtATimeAndStoppedWhenAsked) {
  Trainings trainings;
  const std::string id = trainings.answer(post(R"({"steps": 3000})"), "")["id"];
  EXPECT_EQ(status_of([&] { trainings.answer(post("{}"), ""); }), 429);
  EXPECT_EQ(trainings.answer(get(), "")["trainings"][0]["id"], id);
  const auto reader = trainings.read(id, 0);
  EXPECT_EQ(trainings.answer(stopping(), "/" + id)["id"], id);
  const Events events = read_all(*reader);
  EXPECT_EQ(events.back().second["outcome"], "stopped");
  EXPECT_LT(events.back().second["step"], 3000);
  EXPECT_EQ(status_of([&] { trainings.answer(post(R"({"steps": 10})"), ""); }), 200)
      << "the next may begin";
}

TEST(Trainings, EndWhenNobodyWatches) {
  Trainings trainings({.patience = std::chrono::seconds(0)});
  const std::string id = trainings.answer(post(R"({"steps": 3000})"), "")["id"];
  while (trainings.answer(get(), "/" + id)["state"] != "ended")
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  const auto reader = trainings.read(id, 0);
  EXPECT_EQ(read_all(*reader).back().second["outcome"], "stopped");
}

TEST(Trainings, EndWithTheServer) {
  std::unique_ptr<EventReader> reader;
  {
    Trainings trainings;
    const std::string id = trainings.answer(post(R"({"steps": 3000})"), "")["id"];
    reader = trainings.read(id, 0);
    reader->next();
    trainings.close();
    EXPECT_EQ(status_of([&] { trainings.answer(post("{}"), ""); }), 503);
  }
  EXPECT_EQ(read_all(*reader).back().second["outcome"], "stopped") << "a reader outlives it";
}

TEST(Trainings, RefuseWhatTheyAreNotFor) {
  Trainings trainings({.most_readers = 1});
  const auto refused = [&](std::string body) {
    return status_of([&] { trainings.answer(post(std::move(body)), ""); });
  };
  for (const char* body : {"[]", "{", R"({"steps": 0})", R"({"steps": 3001})", R"({"n_heads": 3})",
                           R"({"seed": -1})", R"({"layers": 2})", R"({"n_heads": "4"})"})
    EXPECT_EQ(refused(body), 400) << body;
  EXPECT_EQ(status_of([&] { trainings.read("r0", 0); }), 404);
  EXPECT_EQ(status_of([&] { trainings.answer(get(), "/r0"); }), 404);
  EXPECT_EQ(status_of([&] { trainings.answer(stopping(), ""); }), 405);
  const std::string id = trainings.answer(post(R"({"steps": 10})"), "")["id"];
  EXPECT_EQ(status_of([&] { trainings.answer(post("{}"), "/" + id); }), 405);
  EXPECT_EQ(status_of([&] { trainings.answer(get(), "/" + id + "/more"); }), 405);
  const auto reader = trainings.read(id, 0);
  EXPECT_EQ(status_of([&] { trainings.read(id, 0); }), 429);
}

}  // namespace
}  // namespace headlight::app
