#include "app/server.h"

#include <arpa/inet.h>
#include <httplib.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <exception>
#include <memory>
#include <system_error>
#include <thread>
#include <utility>

#include "app/command.h"
#include "app/connection_inbox.h"
#include "app/errors.h"
#include "app/request_framing.h"
#include "app/request_guard.h"
#include "app/web_assets.h"
#include "core/interruption.h"

namespace headlight::app {
namespace {
using Clock = std::chrono::steady_clock;

constexpr std::size_t kThreads = 160;  // they only wait for the queue, and write
constexpr int kBacklog = 1024;
constexpr std::chrono::seconds kWriteLimit{60};  // for a whole answer

/// The calls with a body.
constexpr std::array<std::string_view, 3> kPostPaths = {"/api/v1/traces", "/api/v1/ablations",
                                                        "/api/v1/trainings"};

/// A request that has arrived, and the connection that takes its answer within kWriteLimit.
class AnswerStream : public httplib::Stream {
 public:
  AnswerStream(int socket, std::string request) : socket_(socket), request_(std::move(request)) {}

  bool is_readable() const override { return begin_ < request_.size(); }
  bool is_writable() const override { return wait(POLLOUT, Clock::now() + kWriteLimit); }
  ssize_t read(char* to, std::size_t size) override {
    const std::size_t count = request_.copy(to, size, begin_);
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

  /// Whether the other side has closed: nobody takes the answer.
  bool given_up() const {
    pollfd one{socket_, POLLRDHUP, 0};
    return ::poll(&one, 1, 0) > 0 && (one.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
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

  int socket_;
  std::string request_;
  std::size_t begin_ = 0;
  /// Only waiting for the other side counts: a stream of events may take as long as it likes.
  Clock::duration write_left_ = kWriteLimit;
};

/// The library parses requests and writes answers; connections are ours. One request for each: on
/// the loopback a new one costs nothing, and idle connections hold nothing.
class LabServer : public httplib::Server {
 public:
  LabServer(const ServerOptions& options, Lab& lab) : lab_(lab), token_(options.token) {
    // Not the library's default, which lets two servers share a port.
    set_socket_options([](socket_t socket) {
      const int yes = 1;
      ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    });
    set_payload_max_length(kMostBody);
    set_default_headers(security_headers());
    listen_on(options);
    set_handlers();
    inbox_ = std::make_unique<ConnectionInbox>(
        svr_sock_, [this](int socket, std::string bytes) { take(socket, std::move(bytes)); },
        refusal);
    workers_.reset(new httplib::ThreadPool(kThreads));
  }
  ~LabServer() override {
    workers_.reset();
    ::close(svr_sock_);
  }

  /// Where it can be reached.
  const std::vector<std::string>& addresses() const { return addresses_; }
  /// Serves until end(); throws when no connections can be accepted any more.
  void run() { inbox_->run(); }
  void end() { inbox_->stop(); }

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

  void listen_on(const ServerOptions& options) {
    errno = 0;
    int port = options.port;
    const bool bound =
        port == 0 ? (port = bind_to_any_port(options.host)) > 0 : bind_to_port(options.host, port);
    const int reason = errno;
    check(bound, "lab", "cannot listen on {}:{}: {}{}", url_host(options.host), options.port,
          reason ? std::generic_category().message(reason) : "the host is not known here",
          reason == EADDRINUSE ? "; --port 0 takes a free one" : "");
    ::listen(svr_sock_, kBacklog);  // the library's own backlog is 5
    std::vector<std::string> names = options.hosts;
    std::vector<std::string> reached = {options.host};
    if (listens_everywhere(svr_sock_)) {
      reached = machine_addresses();
      names.insert(names.end(), reached.begin(), reached.end());
      names.push_back(machine_name());
    }
    guard_.emplace(options.host, port, names);
    cookie_ = fmt::format("headlight-{}", port);  // cookies do not tell ports apart
    for (const std::string& host : reached)
      addresses_.push_back(fmt::format("http://{}:{}/{}", url_host(host), port,
                                       token_ ? "?token=" + token_->text() : ""));
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
      if (token_ && log_in(request, response)) return true;
      check_token(request);
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
      const bool whole = content([&](const char* data, std::size_t size) {
        body.append(data, size);
        return true;
      });
      check_request(whole, "http", "the body is not what its headers say");
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

  void check_token(const Request& request) const {
    if (!token_) return;
    const bool shown = token_->is_borne_by(request.get_header_value("Authorization")) ||
                       token_->is_cookie(request.get_header_value("Cookie"), cookie_);
    if (!shown)
      throw RequestError(401, "http",
                         "this lab asks for a token; open the address that it printed, or send "
                         "the header \"Authorization: Bearer TOKEN\"");
  }

  /// Answers the page's address with the token in it: keeps the token as a cookie and goes on to
  /// the address without it. The page refreshes itself instead of being redirected by its status:
  /// browsers leave a strict cookie out of a redirect that began with a link on another site, where
  /// classes find their links.
  bool log_in(const Request& request, Response& response) const {
    if (request.method != "GET" || request.path != "/" || !request.has_param("token")) return false;
    if (request.get_param_value_count("token") != 1 ||
        !token_->is(request.get_param_value("token")))
      throw RequestError(401, "http",
                         "this is not the token of this lab; use the address that it printed");
    httplib::Params rest = request.params;
    rest.erase("token");
    response.status = 200;
    response.set_header("Set-Cookie", fmt::format("{}={}; Path=/; HttpOnly; SameSite=Strict",
                                                  cookie_, token_->text()));
    response.set_header("Cache-Control", "no-store");
    response.set_header("Refresh", "0; url=" + httplib::append_query_params("/", rest));
    response.set_content("<!doctype html><title>Headlight</title>", "text/html; charset=utf-8");
    return true;
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
    if (from.status == 401) to.set_header("WWW-Authenticate", "Bearer realm=\"headlight\"");
    if (!from.rows_read.empty()) to.set_header("X-Rows-Read", from.rows_read);
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

  /// The answer to what the inbox refuses.
  static std::string refusal(const RequestError& error) {
    const LabResponse response = error_response(std::make_exception_ptr(error));
    std::string answer =
        fmt::format("HTTP/1.1 {} Refused\r\nConnection: close\r\n", error.status());
    for (const auto& [name, value] : security_headers())
      answer += fmt::format("{}: {}\r\n", name, value);
    if (error.status() == 405) answer += "Allow: GET, HEAD, POST, DELETE\r\n";
    return answer + fmt::format("Content-Type: {}\r\nContent-Length: {}\r\n\r\n{}", response.type,
                                response.body.size(), response.body);
  }

  void take(int socket, std::string bytes) {
    auto stream = std::make_shared<AnswerStream>(socket, std::move(bytes));
    workers_->enqueue([this, stream] {
      const Interruption scope([stream] { return stream->given_up(); });
      bool closed = false;
      process_request(*stream, true, closed, [](Request& request) {
        // Parts of files are not served; many overlapping ranges of one would cost memory.
        request.ranges.clear();
        // The library would pack answers with Brotli at its slowest: seconds for a record of 3 MB,
        // which takes milliseconds to send as it is.
        request.headers.erase("Accept-Encoding");
      });
      inbox_->finish(stream->socket());
    });
  }

  /// The library's pool has to be told to end.
  struct EndPool {
    void operator()(httplib::ThreadPool* pool) const {
      pool->shutdown();
      delete pool;
    }
  };

  Lab& lab_;
  std::optional<AccessToken> token_;
  std::string cookie_;  // its name
  std::vector<std::string> addresses_;
  std::optional<RequestGuard> guard_;
  std::unique_ptr<ConnectionInbox> inbox_;
  std::unique_ptr<httplib::ThreadPool, EndPool> workers_;  // last: its jobs use the others
};

}  // namespace

void serve(const ServerOptions& options, Lab& lab, EndSignals& signals) {
  LabServer server(options, lab);
  for (const std::string& address : server.addresses()) print(address + "\n");
  std::exception_ptr failure;
  std::thread accepting([&] {
    try {
      server.run();
    } catch (...) {
      failure = std::current_exception();
      EndSignals::end_wait();
    }
  });
  signals.wait();
  lab.close();
  server.end();
  accepting.join();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace headlight::app
