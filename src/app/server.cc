#include "app/server.h"

#include <httplib.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <set>
#include <system_error>
#include <thread>

#include "app/command.h"
#include "app/errors.h"
#include "app/request_guard.h"
#include "app/web_assets.h"

namespace headlight::app {
namespace {
using Clock = std::chrono::steady_clock;

constexpr std::size_t kMostBody = 1 << 20;
constexpr std::size_t kThreads = 64;  // they only read, wait for the queue, and write
constexpr int kBacklog = 1024;
constexpr std::chrono::seconds kReadLimit{10};   // for a whole request, however slowly it drips
constexpr std::chrono::seconds kWriteLimit{60};  // for a whole answer
constexpr std::chrono::seconds kLingerLimit{1};

/// The calls with a body.
constexpr std::array<std::string_view, 3> kPostPaths = {"/api/v1/traces", "/api/v1/ablations",
                                                        "/api/v1/trainings"};

/// A connection whose request must arrive within kReadLimit as a whole, and whose answer must be
/// taken within kWriteLimit: the library's own limits start anew with every byte.
class TimedStream : public httplib::Stream {
 public:
  explicit TimedStream(socket_t socket) : socket_(socket), read_until_(Clock::now() + kReadLimit) {}

  bool is_readable() const override { return begin_ < end_ || wait(POLLIN, read_until_); }
  bool is_writable() const override { return wait(POLLOUT, Clock::now() + kWriteLimit); }
  ssize_t read(char* to, std::size_t size) override {
    if (begin_ == end_) {
      if (!wait(POLLIN, read_until_)) return -1;
      const ssize_t got = ::recv(socket_, buffer_.data(), buffer_.size(), 0);
      if (got <= 0) return got;
      begin_ = 0;
      end_ = static_cast<std::size_t>(got);
    }
    const std::size_t count = std::min(size, end_ - begin_);
    std::copy_n(buffer_.data() + begin_, count, to);
    begin_ += count;
    return static_cast<ssize_t>(count);
  }
  ssize_t write(const char* from, std::size_t size) override {
    const auto begin = Clock::now();
    const bool ready = wait(POLLOUT, begin + write_left_);
    write_left_ -= Clock::now() - begin;
    return ready ? ::send(socket_, from, size, MSG_NOSIGNAL | MSG_DONTWAIT) : -1;
  }
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return socket_; }

  /// Closing with bytes unread would reset the connection and lose the answer: reads them first.
  void linger() {
    ::shutdown(socket_, SHUT_WR);
    const auto until = Clock::now() + kLingerLimit;
    while (wait(POLLIN, until) && ::recv(socket_, buffer_.data(), buffer_.size(), 0) > 0) {
    }
  }

 private:
  bool wait(short event, Clock::time_point until) const {
    while (true) {
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
      if (left <= 0) return false;
      pollfd one{socket_, event, 0};
      const int ready = ::poll(&one, 1, static_cast<int>(left));
      if (ready > 0) return true;
      if (ready < 0 && errno != EINTR) return false;
    }
  }

  socket_t socket_;
  Clock::time_point read_until_;
  /// Only waiting for the other side counts: a stream of events may take as long as it likes.
  Clock::duration write_left_ = kWriteLimit;
  std::size_t begin_ = 0, end_ = 0;
  std::array<char, 4096> buffer_;
};

/// One request for each connection: on the loopback a new one costs nothing, and idle connections
/// cannot hold threads.
class LabServer : public httplib::Server {
 public:
  LabServer(const ServerOptions& options, Lab& lab) : lab_(lab) {
    new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
    // Not the library's default, which lets two servers share a port.
    set_socket_options([](socket_t socket) {
      const int yes = 1;
      ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    });
    set_payload_max_length(kMostBody);
    set_default_headers(security_headers());
    bind(options);
    set_handlers();
  }

  int port() const { return port_; }

  /// Ends connections that are only waiting for a request, so that stopping does not.
  void hang_up() {
    const std::lock_guard lock(mutex_);
    for (const socket_t socket : open_) ::shutdown(socket, SHUT_RD);
  }

 private:
  using Request = httplib::Request;
  using Response = httplib::Response;

  static httplib::Headers security_headers() {
    return {{"Content-Security-Policy",
             "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
             "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self' "
             "http://localhost:* http://127.0.0.1:*"},
            {"X-Content-Type-Options", "nosniff"},
            {"Referrer-Policy", "no-referrer"},
            {"Cross-Origin-Opener-Policy", "same-origin"},
            {"Cross-Origin-Resource-Policy", "same-origin"}};
  }

  void bind(const ServerOptions& options) {
    errno = 0;
    port_ = options.port;
    const bool bound = port_ == 0 ? (port_ = bind_to_any_port(options.host)) > 0
                                  : bind_to_port(options.host, port_);
    const int reason = errno;
    check(bound, "lab", "cannot listen on {}:{}: {}{}", url_host(options.host), options.port,
          reason ? std::generic_category().message(reason) : "the host is not known here",
          reason == EADDRINUSE ? "; --port 0 takes a free one" : "");
    ::listen(svr_sock_, kBacklog);  // the library's own backlog is 5
    // A connection takes a thread once it has said something: browsers open some in advance.
    const int seconds = static_cast<int>(kReadLimit.count());
    ::setsockopt(svr_sock_, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof seconds);
    guard_.emplace(options.host, port_, options.hosts);
  }

  void set_handlers() {
    set_pre_routing_handler([this](const Request& request, Response& response) {
      return answer_without_body(request, response) ? HandlerResponse::Handled
                                                    : HandlerResponse::Unhandled;
    });
    for (const std::string_view path : kPostPaths)
      Post(std::string(path), [this](const Request& request, Response& response,
                                     const httplib::ContentReader& content) {
        answer_post(request, response, content);
      });
    set_error_handler([](const Request&, Response& response) {  // what the library refused itself
      if (!response.body.empty()) return;
      const RequestError error(response.status, "http",
                               "this is not a request that can be answered");
      write(error_response(std::make_exception_ptr(error)), response);
    });
  }

  /// Everything but the calls with a body. Routes of the library match with std::regex, which
  /// recurses for each byte of a hostile path; this does not.
  bool answer_without_body(const Request& request, Response& response) {
    try {
      check_origin(request);
      const bool read = request.method == "GET" || request.method == "HEAD";
      const bool has_body = std::ranges::find(kPostPaths, request.path) != kPostPaths.end();
      if (request.method == "POST" && has_body) return false;
      const bool known = read || request.method == "POST" || request.method == "DELETE";
      if (!known) throw RequestError(405, "http", "only GET, HEAD, POST and DELETE are answered");
      if (request.method == "GET" && stream_events(request, response)) return true;
      if (!read || request.path.starts_with("/api/"))
        write(lab_.answer(lab_request(request, {})), response);
      else
        write_asset(request, response);
    } catch (...) {
      write(error_response(std::current_exception()), response);
    }
    return true;
  }

  /// Answers the calls for a stream of events, which lasts until the last of them.
  bool stream_events(const Request& request, Response& response) {
    const std::shared_ptr<EventReader> reader = lab_.read_events(lab_request(request, {}));
    if (!reader) return false;
    response.status = 200;
    response.set_header("Cache-Control", "no-store");
    response.set_chunked_content_provider(
        "text/event-stream", [reader](std::size_t, httplib::DataSink& sink) {
          const std::string text = reader->next();
          const bool taken = text.empty() || sink.write(text.data(), text.size());
          if (reader->ended()) sink.done();
          return taken;
        });
    return true;
  }

  void answer_post(const Request& request, Response& response,
                   const httplib::ContentReader& content) {
    try {
      std::string body;
      bool too_large = request.get_header_value<std::uint64_t>("Content-Length") > kMostBody;
      const bool whole = !too_large && content([&](const char* data, std::size_t size) {
        too_large = body.size() + size > kMostBody;
        if (!too_large) body.append(data, size);
        return !too_large;
      });
      if (too_large)
        throw RequestError(413, "http", fmt::format("the body is over {} bytes", kMostBody));
      check_request(whole, "http", "the body did not arrive as its headers said");
      write(lab_.answer(lab_request(request, std::move(body))), response);
    } catch (...) {
      write(error_response(std::current_exception()), response);
    }
  }

  void check_origin(const Request& request) const {
    const bool ours = request.get_header_value_count("Host") == 1 &&
                      guard_->host_is_ours(request.get_header_value("Host"));
    if (!ours)
      throw RequestError(403, "http",
                         fmt::format("this server is not called \"{}\"; use the address "
                                     "it printed",
                                     printable(request.get_header_value("Host"))));
    const bool foreign =
        request.has_header("Origin") && !guard_->origin_is_ours(request.get_header_value("Origin"));
    if (foreign)
      throw RequestError(403, "http", "requests from other sites' pages are not answered");
  }

  static LabRequest lab_request(const Request& request, std::string body) {
    LabRequest out{
        request.method == "POST", request.path, {}, std::move(body), request.method == "DELETE"};
    for (const auto& [name, value] : request.params)
      check_request(out.query.emplace(name, value).second, "http",
                    "the parameter \"{}\" came twice", printable(name));
    return out;
  }

  static void write(const LabResponse& from, Response& to) {
    to.status = from.status;
    to.set_header("Cache-Control", "no-store");
    if (!from.shape.empty()) to.set_header("X-Shape", from.shape);
    if (from.status == 429) to.set_header("Retry-After", "1");
    if (from.status == 405) to.set_header("Allow", "GET, HEAD, POST, DELETE");
    to.set_content(from.body, from.type);
  }

  static void write_asset(const Request& request, Response& response) {
    const std::string path = request.path == "/" ? "/index.html" : request.path;
    const auto assets = web_assets();
    const auto it = std::ranges::find(assets, path, &WebAsset::path);
    if (it == assets.end())
      throw RequestError(404, "http", fmt::format("there is nothing at {}", printable(path, 200)));
    response.set_header("ETag", std::string(it->etag));
    response.set_header("Cache-Control", "no-cache");
    response.status = request.get_header_value("If-None-Match") == it->etag ? 304 : 200;
    if (response.status == 200) response.set_content(std::string(it->body), std::string(it->type));
  }

  bool process_and_close_socket(socket_t socket) override {
    track(socket, true);
    TimedStream stream(socket);
    bool closed = false;
    process_request(stream, true, closed, [](Request& request) {
      // Parts of files are not served; many overlapping ranges of one would cost memory.
      request.ranges.clear();
      // The library would pack answers with Brotli at its slowest: seconds for a record of 3 MB,
      // which takes milliseconds to send as it is.
      request.headers.erase("Accept-Encoding");
    });
    stream.linger();
    track(socket, false);
    ::close(socket);
    return true;
  }

  void track(socket_t socket, bool open) {
    const std::lock_guard lock(mutex_);
    if (open)
      open_.insert(socket);
    else
      open_.erase(socket);
  }

  Lab& lab_;
  int port_ = 0;
  std::optional<RequestGuard> guard_;
  std::mutex mutex_;
  std::set<socket_t> open_;
};

}  // namespace

void serve(const ServerOptions& options, Lab& lab, EndSignals& signals) {
  LabServer server(options, lab);
  print(fmt::format("http://{}:{}/\n", url_host(options.host), server.port()));
  std::atomic<bool> stopping = false, ended = false;
  std::thread listener([&] {
    server.listen_after_bind();
    ended = true;
    if (!stopping) EndSignals::end_wait();  // it ended by itself: do not wait for ever
  });
  signals.wait();
  stopping = true;
  const bool failed = ended;
  // stop() does nothing before the listener runs, and a signal may come that early.
  while (!server.is_running() && !ended) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  lab.close();
  server.hang_up();
  server.stop();
  listener.join();
  check(!failed, "lab", "the server stopped accepting connections");
}

}  // namespace headlight::app
