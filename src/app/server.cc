#include "app/server.h"

#include <sys/resource.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "app/command.h"
#include "app/connection_inbox.h"
#include "app/errors.h"
#include "app/http_response.h"
#include "app/listener.h"
#include "app/outgoing.h"
#include "app/request_guard.h"
#include "app/site.h"
#include "app/worker_pool.h"
#include "core/interruption.h"

namespace headlight::app {
namespace {

constexpr std::size_t kMostWorkers = 160;  // they only wait: for the queue, or for a slow reader
constexpr rlim_t kDescriptors = 4096;      // waiting and unanswered connections, files, to spare

/// More descriptors than the usual 1024, where the system lets this program have them.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= kDescriptors) return;
  limit.rlim_cur = std::min(limit.rlim_max, kDescriptors);
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// The threads that read requests. Each answers what takes no time itself, so there is no use for
/// more than there are cores; but one alone would be held up by each of its answers.
unsigned reader_count() {
  return std::clamp(std::thread::hardware_concurrency(), 2u, 8u);
}

/// A request and the connection that its answer goes to.
struct Exchange {
  int socket = -1;
  HttpRequest request = {};
  bool keep = false;
};

class LabServer {
 public:
  LabServer(const ServerOptions& options, Lab& lab)
      : listener_(options.host, options.port),
        site_(lab, admission(options)),
        inbox_(
            listener_.socket(),
            [this](ConnectionInbox::Arrival arrival) { take(std::move(arrival)); }, refusal),
        workers_(kMostWorkers) {
    raise_descriptor_limit();
  }

  /// Where it can be reached.
  const std::vector<std::string>& addresses() const { return addresses_; }
  /// Serves until end(); throws when no connections can be accepted any more.
  void run() { inbox_.run(); }
  void end() { inbox_.stop(); }

 private:
  Admission admission(const ServerOptions& options) {
    const int port = listener_.port();
    std::vector<std::string> names = options.hosts;
    std::vector<std::string> reached = {options.host};
    if (listens_everywhere(listener_.socket())) {
      reached = machine_addresses();
      names.insert(names.end(), reached.begin(), reached.end());
      names.push_back(machine_name());
    }
    for (const std::string& host : reached)
      addresses_.push_back(fmt::format("http://{}:{}/{}", url_host(host), port,
                                       options.token ? "?token=" + options.token->text() : ""));
    return {RequestGuard(options.host, port, names), options.token,
            fmt::format("headlight-{}", port)};
  }

  /// The answer to what the inbox refuses.
  static std::string refusal(const RequestError& error) {
    HttpResponse response = http_error(std::make_exception_ptr(error));
    if (error.status() == 405) response.headers.emplace_back("Allow", "GET, HEAD, POST, DELETE");
    return head_of(response, false) + response.body;
  }

  void take(ConnectionInbox::Arrival arrival) {
    auto exchange = std::make_shared<Exchange>();
    exchange->socket = arrival.socket;
    std::optional<HttpResponse> response;
    try {
      exchange->request = read_request(arrival.bytes);
      exchange->keep = exchange->request.keeps_connection && !arrival.more_followed;
      response = site_.answer_at_once(exchange->request);
    } catch (...) {
      response = http_error(std::current_exception());
    }
    if (response) return begin_answer(*exchange, std::move(*response));
    workers_.add([this, exchange] {
      const Interruption scope([socket = exchange->socket] { return given_up(socket); });
      HttpResponse later = site_.answer(exchange->request);
      if (later.events)
        stream(*exchange, later);
      else
        begin_answer(*exchange, std::move(later));
    });
  }

  /// Writes what goes at once; the rest is for a thread that may wait. What is refused ends its
  /// connection.
  void begin_answer(const Exchange& to, HttpResponse response) {
    auto out = std::make_shared<Outgoing>(to.socket);
    const bool keep = to.keep && response.status < 400;
    std::string head = head_of(response, keep);
    if (to.request.method == "HEAD") response.body.clear();
    const auto state = out->begin(std::move(head), std::move(response.body));
    if (state != Outgoing::State::waiting)
      return inbox_.finish(to.socket, keep && state == Outgoing::State::sent);
    workers_.add([this, out, socket = to.socket, keep] {
      const bool sent = out->finish();
      inbox_.finish(socket, keep && sent);
    });
  }

  /// Lasts until the last event, or until nobody takes them any more.
  void stream(const Exchange& to, const HttpResponse& response) {
    Outgoing out(to.socket);
    bool taken = out.write(head_of(response, to.keep));
    while (taken && !response.events->ended()) {
      const std::string text = response.events->next();
      if (!text.empty()) taken = out.write(chunk_of(text));
    }
    taken = taken && out.write(chunk_of({}));
    inbox_.finish(to.socket, to.keep && taken);
  }

  std::vector<std::string> addresses_;
  Listener listener_;
  Site site_;
  ConnectionInbox inbox_;
  WorkerPool workers_;  // last: its jobs use the others
};

/// The threads that serve; the first failure of one ends the waiting.
class Readers {
 public:
  explicit Readers(LabServer& server) {
    for (unsigned i = 0; i < reader_count(); ++i)
      threads_.emplace_back([this, &server] {
        try {
          server.run();
        } catch (...) {
          const std::lock_guard lock(mutex_);
          failure_ = std::current_exception();
          EndSignals::end_wait();
        }
      });
  }
  /// Waits for their end; throws what one of them threw.
  void join() {
    for (std::thread& each : threads_) each.join();
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  std::mutex mutex_;
  std::exception_ptr failure_;  // guarded by mutex_
  std::vector<std::thread> threads_;
};

}  // namespace

void serve(const ServerOptions& options, Lab& lab, EndSignals& signals) {
  LabServer server(options, lab);
  for (const std::string& address : server.addresses()) print(address + "\n");
  Readers readers(server);
  signals.wait();
  lab.close();
  server.end();
  readers.join();
}

}  // namespace headlight::app
