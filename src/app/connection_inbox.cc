#include "app/connection_inbox.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <thread>
#include <utility>

#include "app/request_framing.h"

namespace headlight::app {
namespace {

constexpr int kBurst = 64;  // connections that are accepted before the others are looked at again
constexpr std::chrono::milliseconds kPauseWithoutDescriptors{10};

/// Sends what the socket takes at once: a refusal is short, and its sender may not be reading.
void send_now(int socket, std::string_view bytes) {
  [[maybe_unused]] const ssize_t sent =
      ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

bool would_wait(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

}  // namespace

ConnectionInbox::ConnectionInbox(int listening, Deliver deliver, Refusal refusal,
                                 InboxLimits limits)
    : listening_(listening),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      deliver_(std::move(deliver)),
      refusal_(std::move(refusal)),
      limits_(limits) {
  check(wake_ >= 0, "lab", "the system gives no event to wait for");
  ::fcntl(listening_, F_SETFL, ::fcntl(listening_, F_GETFL) | O_NONBLOCK);
}

ConnectionInbox::~ConnectionInbox() {
  for (const Connection& each : connections_) ::close(each.socket);
  for (const int socket : finished_) ::close(socket);
  ::close(wake_);
}

void ConnectionInbox::wake() const {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_, &one, sizeof one);
}

void ConnectionInbox::stop() {
  stopping_ = true;
  wake();
}

void ConnectionInbox::finish(int socket) {
  --unanswered_;
  {
    const std::lock_guard lock(mutex_);
    finished_.push_back(socket);
  }
  wake();
}

void ConnectionInbox::run() {
  std::vector<pollfd> waiting;
  while (!stopping_) {
    waiting.assign({{wake_, POLLIN, 0}, {listening_, POLLIN, 0}});
    for (const Connection& each : connections_) waiting.push_back({each.socket, POLLIN, 0});
    ::poll(waiting.data(), waiting.size(), milliseconds_to_wait());
    for (std::size_t i = 0; i < connections_.size(); ++i) {
      if (waiting[i + 2].revents != 0) read(connections_[i]);
      expire(connections_[i]);
    }
    if (waiting[0].revents != 0) take_finished();
    check((waiting[1].revents & (POLLERR | POLLHUP | POLLNVAL)) == 0, "lab",
          "the server cannot accept connections any more");
    if (waiting[1].revents != 0) accept_all();
    std::erase_if(connections_, [](const Connection& each) { return each.socket < 0; });
  }
}

int ConnectionInbox::milliseconds_to_wait() const {
  if (connections_.empty()) return -1;
  const auto until = std::ranges::min(connections_, {}, &Connection::until).until;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
  return static_cast<int>(std::max<std::int64_t>(0, left));
}

void ConnectionInbox::accept_all() {
  for (int i = 0; i < kBurst; ++i) {
    const int socket = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) {
      // Out of descriptors: the connection would be announced again at once.
      if (!would_wait(errno)) std::this_thread::sleep_for(kPauseWithoutDescriptors);
      return;
    }
    const int yes = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    make_room();
    connections_.push_back({.socket = socket, .until = Clock::now() + limits_.request});
  }
}

void ConnectionInbox::make_room() {
  const auto arriving = [](const Connection& each) { return each.socket >= 0 && !each.lingering; };
  if (static_cast<std::size_t>(std::ranges::count_if(connections_, arriving)) < limits_.arriving)
    return;
  refuse(*std::ranges::find_if(connections_, arriving),
         RequestError(503, "http", "too many requests are arriving at once; try again soon"));
}

void ConnectionInbox::take_finished() {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = ::read(wake_, &count, sizeof count);
  std::vector<int> finished;
  {
    const std::lock_guard lock(mutex_);
    finished.swap(finished_);
  }
  for (const int socket : finished) {
    connections_.push_back({.socket = socket, .until = {}});
    linger(connections_.back());
  }
}

void ConnectionInbox::read(Connection& connection) {
  std::array<char, 16384> buffer;
  const ssize_t got = ::recv(connection.socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (got < 0 && would_wait(errno)) return;
  if (got <= 0) return close(connection);
  if (connection.lingering) return;
  connection.bytes.append(buffer.data(), static_cast<std::size_t>(got));
  advance(connection);
}

void ConnectionInbox::advance(Connection& connection) {
  const Framing framing = frame_request(connection.bytes);
  if (framing.refusal) return refuse(connection, *framing.refusal);
  if (framing.whole && unanswered_ >= limits_.unanswered)
    return refuse(connection, RequestError(503, "http", "too many requests wait; try again soon"));
  if (framing.whole) {
    ++unanswered_;
    deliver_(std::exchange(connection.socket, -1), std::move(connection.bytes));
  } else if (framing.expects_continue && !std::exchange(connection.told_to_continue, true)) {
    send_now(connection.socket, "HTTP/1.1 100 Continue\r\n\r\n");
  }
}

void ConnectionInbox::expire(Connection& connection) {
  if (connection.socket < 0 || Clock::now() < connection.until) return;
  if (connection.lingering || connection.bytes.empty()) return close(connection);
  refuse(connection, RequestError(408, "http", "the request did not arrive in time"));
}

void ConnectionInbox::refuse(Connection& connection, const RequestError& error) {
  send_now(connection.socket, refusal_(error));
  linger(connection);
}

void ConnectionInbox::linger(Connection& connection) const {
  ::shutdown(connection.socket, SHUT_WR);
  connection.lingering = true;
  connection.until = Clock::now() + limits_.linger;
  connection.bytes = {};
}

void ConnectionInbox::close(Connection& connection) {
  ::close(std::exchange(connection.socket, -1));
}

}  // namespace headlight::app
