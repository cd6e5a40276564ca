// A class at once, against a lab that runs: clients that post a text of their own and ask about it,
// query by query, as a page does, and how long their answers take beside those of one client alone.
//
// Each client is a thread that blocks, on a connection of its own, and does nothing but send, read
// and look at the clock: about 10 microseconds of processor for a request, on the same cores as the
// lab. Rounds of one client and of all are interleaved. The lab should be a fresh one.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <latch>
#include <nlohmann/json.hpp>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {
using Clock = std::chrono::steady_clock;

struct Options {
  int port = 8642;
  std::string model = "lumen";
  std::string text = "The animal didn't cross street {} because it was too tired.";
  int ids = 0;
  int clients = 64, requests = 50, rounds = 5;
  double pause = 0;
  bool fresh = false;
  std::string ask, drag;
};

/// HTTP/1.1 on a connection that is opened when it is needed.
class Client {
 public:
  explicit Client(const Options& options) : options_(options) {}
  ~Client() { close(); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// The body of the answer. Throws unless it came with status 200.
  std::string ask(const std::string& line, const std::string& body = {}) {
    if (options_.fresh) close();
    if (socket_ < 0) connect();
    const std::string host = "Host: 127.0.0.1:" + std::to_string(options_.port) + "\r\n";
    const std::string length =
        body.empty() ? "" : "Content-Length: " + std::to_string(body.size()) + "\r\n";
    const std::string request = line + " HTTP/1.1\r\n" + host + length + "\r\n" + body;
    if (::send(socket_, request.data(), request.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(request.size()))
      throw std::runtime_error("the lab takes no request");
    return answer();
  }

 private:
  void connect() {
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int yes = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(options_.port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0)
      throw std::runtime_error("there is no lab at this port");
  }
  void close() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }

  std::string answer() {
    std::string bytes;
    std::size_t end = std::string::npos;
    while ((end = bytes.find("\r\n\r\n")) == std::string::npos) read_more(bytes);
    const std::string head = bytes.substr(0, end);
    const std::size_t length = std::stoul(head.substr(head.find("Content-Length: ") + 16));
    while (bytes.size() < end + 4 + length) read_more(bytes);
    if (head.find("Connection: close") != std::string::npos) close();
    if (!head.starts_with("HTTP/1.1 200 ")) throw std::runtime_error(bytes);
    return bytes.substr(end + 4);
  }
  void read_more(std::string& bytes) const {
    char buffer[65536];
    const ssize_t got = ::recv(socket_, buffer, sizeof buffer, 0);
    if (got <= 0) throw std::runtime_error("the lab closed before its answer was whole");
    bytes.append(buffer, static_cast<std::size_t>(got));
  }

  const Options& options_;
  int socket_ = -1;
};

template <class Work>
double seconds_of(const Work& work) {
  const auto began = Clock::now();
  work();
  return std::chrono::duration<double>(Clock::now() - began).count();
}

/// What a client posts: a text, or ids, of its own.
std::string posted_by(const Options& options, int number) {
  nlohmann::json body = {{"model", options.model}};
  if (options.ids > 0) {
    for (int t = 0; t < options.ids; ++t) body["ids"].push_back((number + 7 * t) % 256);
    return body.dump();
  }
  std::string text = options.text;
  if (const std::size_t at = text.find("{}"); at != text.npos)
    text.replace(at, 2, std::to_string(number));
  body["text"] = text;
  return body.dump();
}

/// Seconds of each request of a client. Its text is like no other's: a text that the lab has it
/// does not run again.
std::vector<double> one_client(const Options& options) {
  static std::atomic<int> next_number = 0;
  const int number = next_number++;
  Client client(options);
  std::mt19937 random(static_cast<unsigned>(number));
  std::exponential_distribution<double> pause(options.pause > 0 ? 1 / options.pause : 1);
  std::vector<double> seconds;
  std::string trace;
  int layers = 1, length = 1;
  for (int i = 0; i < options.requests; ++i) {
    if (options.pause > 0)
      std::this_thread::sleep_for(std::chrono::duration<double>(pause(random)));
    const std::string rows =
        "/rows?layer=" + std::to_string(i % layers) + "&query=" + std::to_string(i % length);
    const std::string part = i == 1 ? "/overview?size=32" : rows;
    const std::string body = i > 0 ? "" : posted_by(options, number);
    const std::string line = i > 0 ? "GET /api/v1/traces/" + trace + part : "POST /api/v1/traces";
    if (!options.ask.empty()) {
      seconds.push_back(seconds_of([&] { client.ask("GET " + options.ask); }));
      continue;
    }
    std::string answer;
    seconds.push_back(seconds_of([&] { answer = client.ask(line, body); }));
    if (i > 0) continue;
    const auto posted = nlohmann::json::parse(answer);
    trace = posted["id"];
    layers = posted["model"]["n_layers"];
    length = posted["length"];
  }
  return seconds;
}

/// Adds the seconds of every request of so many clients that begin together.
void measure(const Options& options, int clients, std::vector<double>& all) {
  std::vector<std::vector<double>> each(static_cast<std::size_t>(clients));
  std::latch begin(clients);
  std::vector<std::thread> threads;
  for (int i = 0; i < clients; ++i)
    threads.emplace_back([&, i] {
      begin.arrive_and_wait();
      try {
        each[static_cast<std::size_t>(i)] = one_client(options);
      } catch (const std::exception& error) {
        std::fprintf(stderr, "client %d: %s\n", i, error.what());
        std::_Exit(1);
      }
    });
  for (std::thread& thread : threads) thread.join();
  for (const auto& some : each) all.insert(all.end(), some.begin(), some.end());
}

double quantile(std::vector<double>& values, double q) {
  std::ranges::sort(values);
  return values[static_cast<std::size_t>(q * static_cast<double>(values.size() - 1))];
}

/// One client drags the slider of a head from open to off and back.
void measure_drag(const Options& options) {
  constexpr int kSteps = 20;
  Client client(options);
  const auto posted =
      nlohmann::json::parse(client.ask("POST /api/v1/traces", posted_by(options, 0)));
  std::vector<double> seconds;
  for (int i = 0; i <= 2 * kSteps * options.rounds; ++i) {
    const double gate = std::abs(i % (2 * kSteps) - kSteps) / static_cast<double>(kSteps);
    const nlohmann::json body = {{"trace", posted["id"]}, {"heads", {{options.drag, gate}}}};
    const double taken = seconds_of([&] { client.ask("POST /api/v1/ablations", body.dump()); });
    if (i > 0 && gate < 1) seconds.push_back(taken);  // the first one warms up
  }
  std::printf("%d tokens, gate of head %s: median %.2f ms, p95 %.2f ms (%zu times)\n",
              posted["length"].get<int>(), options.drag.c_str(), 1e3 * quantile(seconds, 0.5),
              1e3 * quantile(seconds, 0.95), seconds.size());
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Clients of a lab that runs: one alone, and many at once");
  app.add_option("--port", options.port, "Where the lab listens");
  app.add_option("--model", options.model);
  app.add_option("--text", options.text, "{} stands for the client's number");
  app.add_option("--ids", options.ids, "So many tokens instead, of a model without a tokenizer");
  app.add_option("--clients", options.clients);
  app.add_option("--requests", options.requests, "Of each client");
  app.add_option("--rounds", options.rounds);
  app.add_option("--pause", options.pause, "Seconds between a client's requests, on average");
  app.add_flag("--fresh", options.fresh, "A new connection for each request");
  app.add_option("--ask", options.ask, "Instead: every request gets this path");
  app.add_option("--drag", options.drag, "Instead: one client moves the gate of this head, 5.0");
  CLI11_PARSE(app, argc, argv);
  if (!options.drag.empty()) {
    measure_drag(options);
    return 0;
  }

  Options alone_options = options;
  alone_options.pause = 0;
  std::vector<double> alone, together, ignored;
  double seconds = 0;
  measure(alone_options, 1, ignored);  // the model is loaded
  for (int i = 0; i < options.rounds; ++i) {
    measure(alone_options, 1, alone);
    seconds += seconds_of([&] { measure(options, options.clients, together); });
  }
  const double median = quantile(alone, 0.5), high = quantile(together, 0.95);
  std::printf(
      "alone: median %.3f ms, p95 %.3f ms\n%d clients x %d requests: median %.3f ms, p95 %.3f ms, "
      "%.0f requests/s\np95 / median alone: %.1f\n",
      1e3 * median, 1e3 * quantile(alone, 0.95), options.clients, options.requests,
      1e3 * quantile(together, 0.5), 1e3 * high, static_cast<double>(together.size()) / seconds,
      high / median);
}
