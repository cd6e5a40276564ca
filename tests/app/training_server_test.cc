// A training that a browser watches: over HTTP, beside other requests, and when the server ends.
#include <gtest/gtest.h>
#include <httplib.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <thread>

#include "app/program.h"

namespace headlight {
namespace {
using nlohmann::json;

class TrainingServer : public ::testing::Test {
 protected:
  TrainingServer()
      : lab_(std::make_unique<testing::Running>(
            std::vector<std::string>{"lab", "--port", "0"},
            testing::Environment{{"OMP_WAIT_POLICY", "passive"}})) {
    const std::string line = lab_->first_line();
    port_ = std::stoi(line.substr(line.rfind(':') + 1));
  }

  httplib::Client client() const {
    httplib::Client client("127.0.0.1", port_);
    client.set_read_timeout(60);
    return client;
  }
  std::string start(const json& body) const {
    const auto answer = client().Post("/api/v1/trainings", body.dump(), "application/json");
    EXPECT_EQ(answer->status, 200) << answer->body;
    return "/api/v1/trainings/" + json::parse(answer->body)["id"].get<std::string>();
  }
  /// Reads a stream until `enough` of it has come, or to its end.
  template <class Enough>
  std::string read(const std::string& path, const Enough& enough) const {
    std::string got;
    client().Get(path + "/events", [&](const char* data, std::size_t size) {
      got.append(data, size);
      return !enough(got);
    });
    return got;
  }
  static bool never(const std::string&) { return false; }
  /// Without the comments that come when nothing happens for a while.
  static std::string events_of(std::string stream) {
    constexpr std::string_view kComment = ": nothing new\n\n";
    for (std::size_t at; (at = stream.find(kComment)) != std::string::npos;)
      stream.erase(at, kComment.size());
    return stream;
  }

  std::unique_ptr<testing::Running> lab_;
  int port_ = 0;
};

TEST_F(TrainingServer, StreamsToTheEndAndAgain) {
  const std::string path = start({{"steps", 10}, {"n_heads", 1}});
  const std::string all = events_of(read(path, never));
  EXPECT_TRUE(all.starts_with("id: 1\nevent: start\n")) << all.substr(0, 100);
  EXPECT_NE(all.find("\"outcome\":\"finished\""), std::string::npos);
  EXPECT_TRUE(events_of(read(path, never)) == all) << "a page that comes late gets the same";
  const auto rest = client().Get(path + "/events?after=3");
  EXPECT_EQ(rest->get_header_value("Content-Type"), "text/event-stream");
  EXPECT_EQ(rest->get_header_value("Cache-Control"), "no-store");
  EXPECT_TRUE(events_of(rest->body) == all.substr(all.find("id: 4\n")));
}

TEST_F(TrainingServer, OthersAreAnsweredMeanwhileAndAStopIsHeard) {
  const std::string path = start({{"steps", 3000}});
  std::string got;
  std::thread reading([&] { got = read(path, never); });
  const auto second = client().Post("/api/v1/trainings", "{}", "application/json");
  EXPECT_EQ(second->status, 429) << second->body;
  EXPECT_TRUE(second->has_header("Retry-After"));
  const auto trace = client().Post(
      "/api/v1/traces", R"({"model": "lumen", "text": "The cat sat."})", "application/json");
  EXPECT_EQ(trace->status, 200) << trace->body;
  EXPECT_EQ(client().Delete(path)->status, 200);
  reading.join();
  EXPECT_NE(got.find("\"outcome\":\"stopped\""), std::string::npos) << got.substr(0, 200);
}

TEST_F(TrainingServer, EndsWithTheServerWhoeverListens) {
  const std::string path = start({{"steps", 3000}});
  std::string got;
  std::atomic<bool> begun = false;
  std::thread reading([&] {
    got = read(path, [&](const std::string& text) {
      if (text.find("event: step") != std::string::npos) begun = true;
      return false;
    });
  });
  while (!begun) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_EQ(lab_->end_with(SIGTERM), 0);
  reading.join();
  EXPECT_NE(got.find("event: step"), std::string::npos);
}

TEST_F(TrainingServer, BadRequestsAreTheClientsFault) {
  const auto status = [](const httplib::Result& answer) { return answer ? answer->status : -1; };
  const std::string at = "/api/v1/trainings";
  EXPECT_EQ(status(client().Post(at, R"({"steps": 1e9})", "application/json")), 400);
  EXPECT_EQ(status(client().Get(at + "/r0/events")), 404);
  EXPECT_EQ(status(client().Get(at + "/r0/events?after=-1")), 400);
  EXPECT_EQ(status(client().Delete(at + "/r0")), 404);
  EXPECT_EQ(status(client().Delete(at)), 405);
  EXPECT_EQ(status(client().Delete("/api/v1/models")), 405);
  EXPECT_EQ(status(client().Delete(at + "/r0", {{"Origin", "http://elsewhere.example"}})), 403);
}

}  // namespace
}  // namespace headlight
