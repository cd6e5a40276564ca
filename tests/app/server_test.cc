// The lab's server as a browser, and as somebody hostile, would meet it.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "app/program.h"
#include "inspect/trace.h"
#include "support/shared.h"
#include "support/tiny_model.h"

namespace headlight {
namespace {
namespace fs = std::filesystem;
using nlohmann::json;

const std::vector<std::int64_t> kIds = {3, 1, 4, 1, 5, 9, 2, 6};

/// A TCP connection without any HTTP in it.
class RawConnection {
 public:
  explicit RawConnection(int port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval limit{30, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    connected_ = ::connect(socket_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
  }
  ~RawConnection() { ::close(socket_); }
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;

  bool connected() const { return connected_; }
  void send(const std::string& bytes) const {
    ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  ssize_t read(std::string& to) const { return ::recv(socket_, to.data(), to.size(), MSG_WAITALL); }
  /// The next answer's head, and its body unless it has none.
  std::string one_answer(bool has_body = true) const {
    std::string all;
    std::size_t end = std::string::npos, size = 0;
    char byte;
    while ((end == all.npos || all.size() < end + 4 + size) && ::recv(socket_, &byte, 1, 0) == 1) {
      all += byte;
      if (end == all.npos && (end = all.find("\r\n\r\n")) != all.npos && has_body)
        size = std::stoul(all.substr(all.find("Content-Length: ") + 16));
    }
    return all;
  }
  /// Everything until the server closes.
  std::string answer() const {
    std::string all;
    char buffer[4096];
    for (ssize_t n; (n = ::recv(socket_, buffer, sizeof buffer, 0)) > 0;)
      all.append(buffer, static_cast<std::size_t>(n));
    return all;
  }

 private:
  int socket_;
  bool connected_ = false;
};

class Server : public ::testing::Test {
 protected:
  Server() : models_(testing::scratch_folder()) {
    write_model(testing::tiny_llama(), models_ / "tiny-llama");
    write_model(testing::tiny_bert(), models_ / "tiny-bert");
    write_model(testing::tiny_llama({{"max_position_embeddings", 1000}}), models_ / "long");
    start({"lab", "--port", "0", "--model", "tiny-llama"});
  }
  ~Server() override { fs::remove_all(models_); }

  testing::Environment environment() const { return {{"HEADLIGHT_MODELS", models_.string()}}; }

  void start(const std::vector<std::string>& args) {
    lab_ = std::make_unique<testing::Running>(args, environment());
    const std::string line = lab_->first_line();
    const std::string begin = "http://127.0.0.1:";
    ASSERT_TRUE(line.starts_with(begin)) << line;
    port_ = std::stoi(line.substr(begin.size()));
  }

  httplib::Client client() const {
    httplib::Client client("127.0.0.1", port_);
    client.set_read_timeout(60);
    return client;
  }
  httplib::Result get(const std::string& path, const httplib::Headers& headers = {}) const {
    return client().Get(path, headers);
  }
  httplib::Result post(const std::string& body, const httplib::Headers& headers = {}) const {
    return client().Post("/api/v1/traces", headers, body, "application/json");
  }
  httplib::Result ablate(const json& body) const {
    return client().Post("/api/v1/ablations", body.dump(), "application/json");
  }
  json get_json(const std::string& path) const {
    const auto result = get(path);
    EXPECT_EQ(result->status, 200) << path << ": " << result->body;
    return json::parse(result->body);
  }
  json post_trace(const std::string& model, const std::vector<std::int64_t>& ids) const {
    const auto result = post(json{{"model", model}, {"ids", ids}}.dump());
    EXPECT_EQ(result->status, 200) << result->body;
    return json::parse(result->body);
  }
  static std::vector<float> floats(const std::string& body) {
    std::vector<float> out(body.size() / 4);
    std::memcpy(out.data(), body.data(), out.size() * 4);
    return out;
  }
  static std::vector<float> values(const Tensor& tensor) {
    return {tensor.span<float>().begin(), tensor.span<float>().end()};
  }
  Trace trace_of(const std::string& model) const {
    return record_trace(Transformer::load(models_ / model), tokens_of_ids(kIds), "");
  }
  static void expect_error(const httplib::Result& result, int status, const std::string& part) {
    ASSERT_TRUE(result) << part;
    EXPECT_EQ(result->status, status) << part << ": " << result->body;
    const json error = json::parse(result->body, nullptr, false);
    ASSERT_TRUE(error.contains("error")) << part << ": " << result->body;
    EXPECT_NE(error["error"]["message"].get<std::string>().find(part), std::string::npos)
        << part << ": " << error;
  }

  fs::path models_;
  std::unique_ptr<testing::Running> lab_;
  int port_ = 0;
};

TEST_F(Server, ServesThePageUnderAStrictPolicy) {
  const auto page = get("/");
  EXPECT_EQ(page->status, 200);
  EXPECT_EQ(page->get_header_value("Content-Type"), "text/html; charset=utf-8");
  EXPECT_NE(page->body.find("Headlight"), std::string::npos);
  const std::string policy = page->get_header_value("Content-Security-Policy");
  EXPECT_TRUE(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"));
  EXPECT_EQ(policy.find("unsafe"), std::string::npos);
  EXPECT_EQ(page->get_header_value("X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(page->get_header_value("Referrer-Policy"), "no-referrer");
  const auto again = get("/", {{"If-None-Match", page->get_header_value("ETag")}});
  EXPECT_EQ(again->status, 304);
  EXPECT_EQ(again->body, "");
  EXPECT_EQ(get("/", {{"Range", "bytes=0-3,5-9"}})->body, page->body) << "ranges are ignored";
  const auto head = client().Head("/");
  EXPECT_EQ(head->status, 200);
  EXPECT_EQ(head->get_header_value("Content-Length"), std::to_string(page->body.size()));
}

TEST_F(Server, ListsModelsAndIsHealthy) {
  EXPECT_EQ(get_json("/api/v1/health")["status"], "ok");
  const json listed = get_json("/api/v1/models");
  EXPECT_EQ(listed["default"], "tiny-llama");
  EXPECT_EQ(listed["models"].size(), 5u);
  EXPECT_EQ(listed["models"][0]["name"], "tiny-llama");
  EXPECT_EQ(listed["models"][0]["n_kv_heads"], 2);
  EXPECT_TRUE(listed["models"][0]["tokenizer"].is_null());
  EXPECT_EQ(get("/api/v1/models")->get_header_value("Cache-Control"), "no-store");
}

TEST_F(Server, NumbersAreThoseOfShowAndOfTheTrace) {
  for (const char* model : {"tiny-llama", "tiny-bert"}) {
    const json posted = post_trace(model, kIds);
    const std::string path = "/api/v1/traces/" + posted["id"].get<std::string>();
    EXPECT_EQ(get_json(path), posted);
    const auto shown = testing::run_headlight(
        {"show", "--model", model, "--ids", "3,1,4,1,5,9,2,6", "--query", "6", "--json"},
        environment());
    const json layers = json::parse(shown.out)["layers"];
    const Trace trace = trace_of(model);
    for (std::int64_t l = 0; l < trace.config.n_layers; ++l) {
      const std::string layer = "layer=" + std::to_string(l);
      EXPECT_EQ(get_json(path + "/rows?query=6&" + layer), layers[static_cast<std::size_t>(l)]);
      const auto whole = get(path + "/pattern?head=1&" + layer);
      EXPECT_EQ(whole->get_header_value("X-Shape"), "8,8");
      EXPECT_EQ(floats(whole->body), values(pattern_rows(trace, l, 1, 0, 8)));
      const auto part = get(path + "/pattern?head=2&rows=3:5&" + layer);
      EXPECT_EQ(part->get_header_value("X-Shape"), "2,8");
      EXPECT_EQ(floats(part->body), values(pattern_rows(trace, l, 2, 3, 5)));
    }
    const auto overview = get(path + "/overview?size=4");
    const std::int64_t heads = trace.config.n_heads;
    EXPECT_EQ(overview->get_header_value("X-Shape"), "2," + std::to_string(heads) + ",4,4");
    const std::vector<float> cells = floats(overview->body);
    ASSERT_EQ(cells.size(), static_cast<std::size_t>(2 * heads * 16));
    const std::vector<float> last = values(pattern_thumbnail(trace, 1, heads - 1, 4));
    EXPECT_TRUE(std::equal(last.begin(), last.end(), cells.end() - 16));
  }
}

TEST_F(Server, GatesChangeWhatLaterLayersRead) {
  const json open = post_trace("tiny-llama", kIds);
  const auto gated =
      post(R"({"model": "tiny-llama", "ids": [3,1,4,1,5,9,2,6], "gates": {"0.0": 0}})");
  ASSERT_EQ(gated->status, 200) << gated->body;
  const auto rows = [&](const json& trace, int layer) {
    return get_json("/api/v1/traces/" + trace["id"].get<std::string>() +
                    "/rows?query=7&layer=" + std::to_string(layer));
  };
  const json closed = json::parse(gated->body);
  EXPECT_EQ(rows(open, 0), rows(closed, 0));
  EXPECT_NE(rows(open, 1), rows(closed, 1));
}

TEST_F(Server, PredictionsAreThoseOfTheRunWithItsGates) {
  const json open = post_trace("tiny-llama", kIds);
  const auto gated =
      post(R"({"model": "tiny-llama", "ids": [3,1,4,1,5,9,2,6], "gates": {"0.1": 0, "1.2": 0}})");
  const auto predictions = [&](const json& trace, const std::string& more) {
    return get_json("/api/v1/traces/" + trace["id"].get<std::string>() + "/predictions?" + more);
  };
  const json whole = predictions(open, "query=7&top=17"),
             changed = predictions(json::parse(gated->body), "query=7&top=17");
  ASSERT_EQ(whole["best"].size(), 17u);
  double sum = 0;
  for (const json& each : whole["best"]) sum += each["probability"].get<double>();
  EXPECT_NEAR(sum, 1, 1e-6);
  EXPECT_EQ(predictions(open, "query=7&top=2")["best"],
            json(whole["best"].begin(), whole["best"].begin() + 2));

  const auto ablated =
      json::parse(ablate({{"trace", open["id"]}, {"heads", {{"0.1", 0}, {"1.2", 0}}}, {"query", 7}})
                      ->body)["predictions"];
  for (const json& each : ablated["best"]) {
    const auto probability = [&](const json& all) {
      const auto found =
          std::ranges::find(all["best"], each["id"], [](const json& one) { return one["id"]; });
      return found == all["best"].end() ? json() : (*found)["probability"];
    };
    EXPECT_EQ(probability(whole), each["before"]);
    EXPECT_NEAR(probability(changed), each["after"], 1e-6);
  }
  EXPECT_TRUE(predictions(post_trace("tiny-bert", kIds), "query=2")["best"].is_null());
  const std::string path = "/api/v1/traces/" + open["id"].get<std::string>() + "/predictions";
  expect_error(get(path), 400, "query");
  expect_error(get(path + "?query=8"), 400, "0 to 7");
  expect_error(get(path + "?query=1&top=101"), 400, "1 to 100");
}

TEST_F(Server, AblationsAndConcatAreThoseOfTheCommandLine) {
  for (const char* model : {"tiny-llama", "tiny-bert"}) {
    const std::string id = post_trace(model, kIds)["id"];
    const std::vector<std::string> input = {"--model", model, "--ids", "3,1,4,1,5,9,2,6", "--json"};
    const auto printed = [&](std::vector<std::string> args) {
      args.insert(args.end(), input.begin(), input.end());
      const auto ran = testing::run_headlight(args, environment());
      EXPECT_EQ(ran.exit_code, 0) << ran.err;
      return json::parse(ran.out);
    };
    const auto got = ablate({{"trace", id},
                             {"heads", {{"0.1", 0}, {"1.2", 0.25}}},
                             {"how", "resample"},
                             {"other", {7, 7}},
                             {"query", 5},
                             {"layer", 1}});
    ASSERT_EQ(got->status, 200) << got->body;
    json expected = printed({"ablate", "--heads", "0.1,1.2=0.25", "--how", "resample", "--with",
                             "7,7", "--query", "5", "--layer", "1"});
    for (const char* key : {"model", "text", "tokens"}) expected.erase(key);
    EXPECT_EQ(json::parse(got->body), expected);
    EXPECT_EQ(get_json("/api/v1/traces/" + id + "/concat?layer=1&query=5"),
              printed({"concat", "--layer", "1", "--query", "5"}));

    const Trace trace = trace_of(model);
    const auto read = get("/api/v1/traces/" + id + "/values?layer=1&head=2");
    const std::vector<float> v = floats(read->body), all = values(trace.layers[1].v);
    const std::int64_t dim = trace.config.head_dim, kv = trace.config.n_kv_heads;
    EXPECT_EQ(read->get_header_value("X-Shape"), fmt::format("8,{}", dim));
    ASSERT_EQ(std::ssize(v), 8 * dim);
    const std::int64_t kv_head = 2 * kv / trace.config.n_heads;
    for (std::int64_t j = 0; j < 8; ++j)
      EXPECT_TRUE(std::equal(v.begin() + j * dim, v.begin() + (j + 1) * dim,
                             all.begin() + (j * kv + kv_head) * dim));

    const Transformer loaded = Transformer::load(models_ / model);
    const auto block = get("/api/v1/traces/" + id + "/w_o?layer=1&head=2");
    const ModelConfig& c = loaded.config();
    EXPECT_EQ(block->get_header_value("X-Shape"), fmt::format("{},{}", c.head_dim, c.d_model));
    const std::vector<float> w_o = floats(block->body);
    ASSERT_EQ(std::ssize(w_o), c.head_dim * c.d_model);
    EXPECT_TRUE(
        std::equal(w_o.begin(), w_o.end(), loaded.w_o(1).as<float>() + 2 * c.head_dim * c.d_model));
  }
}

TEST_F(Server, BadAblationsAreTheClientsFault) {
  const std::string id = post_trace("tiny-llama", kIds)["id"];
  const auto with = [&](const json& change) {
    json body = {{"trace", id}, {"heads", {{"0.1", 0}}}};
    body.update(change);
    return ablate(body);
  };
  EXPECT_EQ(with(json::object())->status, 200);
  EXPECT_EQ(with({{"heads", json::object()}})->status, 200);
  expect_error(with({{"trace", "none"}}), 404, "none");
  expect_error(with({{"trace", 7}}), 400, "trace");
  expect_error(with({{"heads", {"0.1"}}}), 400, "heads");
  expect_error(with({{"heads", {{"0.1", "off"}}}}), 400, "0.1");
  expect_error(with({{"heads", {{"0.9", 0}}}}), 400, "[0, 4)");
  expect_error(with({{"heads", {{"2.*", 0}}}}), 400, "[0, 2)");
  expect_error(with({{"heads", {{"*.0", 0}}}}), 400, "*.0");
  expect_error(with({{"heads", {{"0.1", 1.5}}}}), 400, "[0, 1]");
  expect_error(with({{"heads", {{"0.1", 0}, {"0.*", 0}}}}), 400, "named twice");
  expect_error(with({{"how", "gone"}}), 400, "gone");
  expect_error(with({{"how", "resample"}}), 400, "other");
  expect_error(with({{"other", "text"}}), 400, "other");
  expect_error(with({{"how", "resample"}, {"other", "text"}}), 400, "no tokenizer");
  expect_error(with({{"how", "resample"}, {"other", {99}}}), 400, "99");
  expect_error(with({{"how", "resample"}, {"other", json::array()}}), 400, "other");
  expect_error(with({{"query", 8}}), 400, "[0, 8)");
  expect_error(with({{"query", -1}}), 400, "query");
  expect_error(with({{"layer", 2}}), 400, "[0, 2)");
  expect_error(with({{"extra", 1}}), 400, "extra");
  const std::string path = "/api/v1/traces/" + id;
  for (const char* wrong : {"/concat", "/concat?layer=0", "/concat?layer=2&query=0", "/w_o?layer=0",
                            "/concat?layer=0&query=8", "/w_o?layer=0&head=4",
                            "/values?layer=0&head=4", "/values?layer=2&head=0"})
    EXPECT_EQ(get(path + wrong)->status, 400) << wrong;
  expect_error(get("/api/v1/ablations"), 405, "");
  expect_error(client().Post(path + "/concat", "{}", "application/json"), 405, "");

  const auto gated = post(R"({"model": "tiny-llama", "ids": [1, 2], "gates": {"0.0": 0.5}})");
  expect_error(with({{"trace", json::parse(gated->body)["id"]}}), 400, "made with gates");
  EXPECT_EQ(get_json("/api/v1/health")["status"], "ok");
}

TEST_F(Server, BadBodiesAreTheClientsFault) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "body"},
      {"{", "body"},
      {"[]", "object"},
      {R"({"ids": [1]})", "model"},
      {R"({"model": 7, "ids": [1]})", "model"},
      {R"({"model": "tiny-llama"})", "text"},
      {R"({"model": "tiny-llama", "ids": [1], "text": "x"})", "either"},
      {R"({"model": "tiny-llama", "text": "x"})", "no tokenizer"},
      {R"({"model": "tiny-llama", "ids": []})", "ids"},
      {R"({"model": "tiny-llama", "ids": "1"})", "ids"},
      {R"({"model": "tiny-llama", "ids": [1.5]})", "1.5"},
      {R"({"model": "tiny-llama", "ids": [18446744073709551615]})", "18446744073709551615"},
      {R"({"model": "tiny-llama", "ids": [-1]})", "-1"},
      {R"({"model": "tiny-llama", "ids": [17]})", "[0, 17)"},
      {R"({"model": "tiny-llama", "ids": [1], "ids": [2]})", "ids"},
      {R"({"model": "tiny-llama", "ids": [1], "extra": 1})", "extra"},
      {R"({"model": "tiny-llama", "ids": [1], "gates": {"9.0": 0}})", "9.0"},
      {R"({"model": "tiny-llama", "ids": [1], "gates": {"0.0": 2}})", "[0, 1]"},
      {R"({"model": "tiny-llama", "ids": [1], "gates": {"x": 0}})", "x"},
      {R"({"model": "tiny-llama", "ids": [1], "gates": [0]})", "gates"},
      {"{\"model\": \"\xff\", \"ids\": [1]}", "body"},
      {std::string(2000, '['), "body"},
  };
  for (const auto& [body, part] : cases) expect_error(post(body), 400, part);
  std::vector<std::int64_t> long_ids(17, 1);
  expect_error(post(json{{"model", "tiny-llama"}, {"ids", long_ids}}.dump()), 400, "16 positions");
  expect_error(post(R"({"model": "nobody", "ids": [1]})"), 404, "nobody");
  EXPECT_EQ(get_json("/api/v1/health")["status"], "ok");
}

TEST_F(Server, BadPathsAndParametersAreTheClientsFault) {
  const std::string path =
      "/api/v1/traces/" + post_trace("tiny-llama", kIds)["id"].get<std::string>();
  for (const char* query : {"", "?layer=0", "?layer=2&query=0", "?layer=-1&query=0",
                            "?layer=x&query=0", "?layer=0&query=8", "?layer=0&query=1e0",
                            "?layer=0&layer=1&query=0", "?layer=99999999999999999999&query=0"})
    EXPECT_EQ(get(path + "/rows" + query)->status, 400) << query;
  for (const char* query : {"rows=0:9", "rows=3:3", "rows=4:2", "rows=-1:2", "rows=a:b",
                            "rows=", "rows=0:1:2", "rows=9"})
    EXPECT_EQ(get(path + "/pattern?layer=0&head=0&" + query)->status, 400) << query;
  for (const char* query : {"size=0", "size=65", "size=x"})
    EXPECT_EQ(get(path + "/overview?" + query)->status, 400) << query;
  for (const char* missing :
       {"/nothing", "/api/v1/nothing", "/api/v2/models", "/api/v1/traces/none", "/../etc/passwd",
        "/api/v1/traces/none/rows?layer=0&query=0", "/index.html/"})
    expect_error(get(missing), 404, "");
  expect_error(get(path + "/nothing"), 404, "nothing");
  expect_error(get("/api/v1/traces"), 405, "");
  expect_error(client().Post("/api/v1/models", "{}", "application/json"), 405, "");
  expect_error(client().Put("/api/v1/traces", "{}", "application/json"), 405, "");
  expect_error(client().Delete("/api/v1/traces"), 405, "");
}

TEST_F(Server, OtherSitesAreNotAnswered) {
  const std::string own = "127.0.0.1:" + std::to_string(port_);
  for (const std::string& host :
       std::vector<std::string>{"evil.example", "127.0.0.1", "localhost", "127.0.0.1:1",
                                "127.0.0.1.evil.example:" + std::to_string(port_)})
    expect_error(get("/api/v1/health", {{"Host", host}}), 403, host);
  EXPECT_EQ(get("/", {{"Host", "LOCALHOST:" + std::to_string(port_)}})->status, 200);
  EXPECT_EQ(get("/", {{"Host", "[::1]:" + std::to_string(port_)}})->status, 200);
  const std::string body = R"({"model": "tiny-llama", "ids": [1]})";
  EXPECT_EQ(post(body, {{"Origin", "http://" + own}})->status, 200);
  for (const std::string& origin : std::vector<std::string>{"http://evil.example", "null",
                                                            "https://" + own, "http://127.0.0.1:1"})
    expect_error(post(body, {{"Origin", origin}}), 403, "other sites");
}

TEST_F(Server, LargeBodiesAreRefused) {
  const std::string large(1'200'000, ' ');
  expect_error(post(large), 413, "1048576");
  expect_error(client().Post("/api/v1/ablations", large, "application/json"), 413, "1048576");
  const RawConnection chunked(port_);
  chunked.send("POST /api/v1/traces HTTP/1.1\r\nHost: localhost:" + std::to_string(port_) +
               "\r\nTransfer-Encoding: chunked\r\n\r\n10000\r\n");
  EXPECT_TRUE(chunked.answer().starts_with("HTTP/1.1 411")) << "a body without a length";
  EXPECT_EQ(get_json("/api/v1/health")["status"], "ok");
}

TEST_F(Server, WhoeverWaitsToBeToldToGoOnIsTold) {
  const RawConnection raw(port_);
  raw.send("POST /api/v1/traces HTTP/1.1\r\nHost: localhost:" + std::to_string(port_) +
           "\r\nContent-Length: 35\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n");
  std::string told(25, ' ');
  ASSERT_EQ(raw.read(told), 25);
  EXPECT_EQ(told, "HTTP/1.1 100 Continue\r\n\r\n");
  raw.send(R"({"model": "tiny-llama", "ids": [1]})");
  EXPECT_NE(raw.answer().find("HTTP/1.1 200"), std::string::npos);
}

TEST_F(Server, AConnectionCarriesRequestsOneAfterAnother) {
  const std::string host = "Host: localhost:" + std::to_string(port_) + "\r\n";
  const std::string ok = R"({"status":"ok","version":")";
  const RawConnection raw(port_);
  const std::string get_health = "GET /api/v1/health HTTP/1.1\r\n" + host;
  for (int i = 0; i < 3; ++i) {
    raw.send(get_health + "\r\n");
    const std::string answer = raw.one_answer();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
    EXPECT_NE(answer.find(ok), answer.npos) << answer;
    EXPECT_EQ(answer.find("Connection:"), answer.npos) << answer;
  }
  raw.send("HEAD / HTTP/1.1\r\n" + host + "\r\n");
  const std::string head = raw.one_answer(false);
  EXPECT_TRUE(head.starts_with("HTTP/1.1 200 OK\r\n") && head.ends_with("\r\n\r\n")) << head;
  raw.send(get_health + "Connection: close\r\n\r\n");
  EXPECT_NE(raw.answer().find("\r\nConnection: close\r\n"), std::string::npos);
}

TEST_F(Server, WhatIsRefusedOrSentAheadEndsTheConnection) {
  const std::string host = "Host: localhost:" + std::to_string(port_) + "\r\n\r\n";
  for (const std::string& request : std::vector<std::string>{
           "GET /nothing HTTP/1.1\r\n" + host, "GET /%zz HTTP/1.1\r\n" + host,
           "GET / HTTP/1.1\r\nHost: elsewhere\r\n\r\n", "POST / HTTP/1.1\r\n" + host,
           "GET /api/v1/health HTTP/1.0\r\n" + host,
           "GET /api/v1/health HTTP/1.1\r\n" + host + "GET /nothing HTTP/1.1\r\n" + host}) {
    const RawConnection raw(port_);
    raw.send(request);
    const std::string answer = raw.answer();  // until the server closes
    EXPECT_NE(answer.find("\r\nConnection: close\r\n"), answer.npos) << request;
    EXPECT_EQ(answer.rfind("HTTP/1.1 "), 0u) << "one answer: " << answer;
  }
}

TEST_F(Server, IdleConnectionsDoNotKeepOthersOut) {
  std::vector<std::unique_ptr<RawConnection>> idle;
  for (int i = 0; i < 600; ++i) {  // more than the lab keeps waiting
    idle.push_back(std::make_unique<RawConnection>(port_));
    ASSERT_TRUE(idle.back()->connected());
  }
  EXPECT_EQ(get_json("/api/v1/health")["status"], "ok");
  for (const auto& each : idle) {  // now those that are still there have asked once
    each->send("GET /api/v1/health HTTP/1.1\r\nHost: localhost:" + std::to_string(port_) +
               "\r\n\r\n");
    each->one_answer();
  }
  EXPECT_EQ(get_json("/api/v1/health")["status"], "ok");
}

TEST_F(Server, ManyAtOnceGetTheSameAnswers) {
  const json trace = post_trace("tiny-llama", kIds);
  const std::string rows =
      "/api/v1/traces/" + trace["id"].get<std::string>() + "/rows?layer=1&query=7";
  const json expected = get_json(rows);
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      for (int n = 0; n < 10; ++n) {
        const auto posted = post(json{{"model", "tiny-llama"}, {"ids", kIds}}.dump());
        const auto read = get(rows);
        wrong += !posted || posted->status != 200 || !read || json::parse(read->body) != expected;
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(Server, WhatTheQueueCannotHoldIsToldToComeAgain) {
  std::vector<std::int64_t> ids(1000, 1);
  const std::string path = "/api/v1/traces/" + post_trace("long", ids)["id"].get<std::string>();
  std::vector<std::thread> threads;
  std::atomic<int> served = 0, refused = 0, other = 0;
  for (int i = 0; i < 30; ++i)
    threads.emplace_back([&] {
      const auto result = get(path + "/overview");
      if (result && result->status == 200)
        ++served;
      else if (result && result->status == 429 && result->get_header_value("Retry-After") == "1")
        ++refused;
      else
        ++other;
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(other, 0);
  EXPECT_GE(served, 1);
  EXPECT_EQ(served + refused, 30);
  EXPECT_EQ(get(path + "/overview?size=1")->status, 200);
}

TEST_F(Server, EndsCleanlyOnASignal) {
  const RawConnection idle(port_);
  EXPECT_EQ(lab_->end_with(SIGTERM), 0);
  start({"lab", "--port", std::to_string(port_), "--model", "tiny-llama"});
  const RawConnection half(port_);
  half.send("POST /api/v1/traces HTTP/1.1\r\nHost: localhost\r\n");
  EXPECT_EQ(lab_->end_with(SIGINT), 0);
}

TEST_F(Server, APortInUseIsOneLine) {
  const auto ran = testing::run_headlight({"lab", "--port", std::to_string(port_)}, environment());
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_EQ(ran.out, "");
  EXPECT_EQ(ran.err.find('\n'), ran.err.size() - 1) << ran.err;
  EXPECT_NE(ran.err.find("--port"), std::string::npos) << ran.err;
}

TEST_F(Server, WithoutAModelTheBuiltInOneIsTheDefault) {
  start({"lab", "--port", "0"});
  const json listed = get_json("/api/v1/models");
  EXPECT_EQ(listed["default"], "lumen");
  ASSERT_EQ(listed["models"].size(), 5u);
  EXPECT_EQ(listed["models"][0]["name"], "lumen");
  EXPECT_EQ(listed["models"][0]["single_head_twin"], "lumen-one");
}

TEST_F(Server, WhatWasMeasuredOfTheBuiltInModel) {
  const json abilities = get_json("/api/v1/abilities?model=lumen");
  EXPECT_EQ(abilities["model"], "lumen");
  EXPECT_EQ(abilities["n_layers"], 4);
  const json& first = abilities["relations"][0];
  EXPECT_EQ(first["relation"], "coreference");
  EXPECT_EQ(first["looks"].size(), 32u);
  EXPECT_EQ(first["without"]["mean"]["lost"].size(), 32u);
  EXPECT_TRUE(abilities["roles"].is_array());
  const json emergence = get_json("/api/v1/emergence?model=lumen");
  EXPECT_GT(emergence["snapshots"].size(), 20u);
  EXPECT_TRUE(emergence["snapshots"][0].contains("sentences"));
  expect_error(get("/api/v1/abilities"), 404, "tiny-llama");
  expect_error(get("/api/v1/emergence?model=tiny-llama"), 404, "tiny-llama");
  expect_error(get("/api/v1/abilities?model=none"), 404, "none");
}

TEST_F(Server, ADamagedModelIsNoticedAtTheStartOrWhenItIsUsed) {
  testing::TinyModel damaged = testing::tiny_bert();
  damaged.tensors.begin()->second.span<float>()[0] = NAN;
  write_model(damaged, models_ / "damaged");
  expect_error(post(R"({"model": "damaged", "ids": [1]})"), 500, "nan");
  std::ofstream(models_ / "damaged" / "config.json") << "{}";
  const auto ran =
      testing::run_headlight({"lab", "--port", "0", "--model", "damaged"}, environment());
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_NE(ran.err.find("config.json"), std::string::npos) << ran.err;
}

}  // namespace
}  // namespace headlight
