#include "app/connection_inbox.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <thread>
#include <tuple>
#include <utility>

#include "app/request_framing.h"

namespace headlight::app {
namespace {

constexpr int kBurst = 64;  // connections that are accepted before the others are looked at again
constexpr std::chrono::milliseconds kPauseWithoutDescriptors{10};
constexpr long kTick = 100'000'000;  // nanoseconds between two looks at what is out of time

/// Each descriptor is announced to one thread, which asks for the next announcement.
constexpr std::uint32_t kOnce = EPOLLIN | EPOLLONESHOT;

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
      stop_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      deliver_(std::move(deliver)),
      refusal_(std::move(refusal)),
      limits_(limits) {
  check(stop_ >= 0 && timer_ >= 0 && epoll_ >= 0, "lab", "the system gives nothing to wait with");
  ::fcntl(listening_, F_SETFL, ::fcntl(listening_, F_GETFL) | O_NONBLOCK);
  watch(stop_, EPOLL_CTL_ADD, EPOLLIN);  // never read: all threads have to see it
  watch(timer_, EPOLL_CTL_ADD, kOnce);
  watch(listening_, EPOLL_CTL_ADD, kOnce);
}

ConnectionInbox::~ConnectionInbox() {
  for (const auto& [socket, _] : waiting_) ::close(socket);
  for (const int each : {stop_, timer_, epoll_}) ::close(each);
}

void ConnectionInbox::watch(int fd, int operation, std::uint32_t events) const {
  epoll_event event{.events = events, .data = {.fd = fd}};
  ::epoll_ctl(epoll_, operation, fd, &event);
}

void ConnectionInbox::stop() {
  stopping_ = true;
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(stop_, &one, sizeof one);
}

void ConnectionInbox::run() {
  while (!stopping_) {
    epoll_event event{};
    // One at a time: whoever is free takes the next, whatever the others are at.
    if (::epoll_wait(epoll_, &event, 1, -1) <= 0) continue;
    const bool failed = (event.events & (EPOLLERR | EPOLLHUP)) != 0;
    check(event.data.fd != listening_ || !failed, "lab",
          "the server cannot accept connections any more");
    serve(event.data.fd);
  }
}

void ConnectionInbox::serve(int fd) {
  if (fd == listening_) {
    accept_all();
    watch(listening_, EPOLL_CTL_MOD, kOnce);
  } else if (fd == timer_) {
    std::uint64_t ticks = 0;
    [[maybe_unused]] const ssize_t got = ::read(timer_, &ticks, sizeof ticks);
    expire();
    watch(timer_, EPOLL_CTL_MOD, kOnce);
  } else if (auto connection = fd == stop_ ? std::nullopt : take(fd)) {
    read(fd, std::move(*connection));
  }
}

std::optional<ConnectionInbox::Connection> ConnectionInbox::take(int socket) {
  const std::lock_guard lock(mutex_);
  auto node = waiting_.extract(socket);
  if (node.empty()) return std::nullopt;
  return std::move(node.mapped());
}

void ConnectionInbox::put(int socket, Connection connection, int operation) {
  {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(ticking_, true)) set_timer(kTick);
    waiting_.insert_or_assign(socket, std::move(connection));
  }
  watch(socket, operation, kOnce);  // after it is there to be found
}

void ConnectionInbox::accept_all() {
  for (int i = 0; i < kBurst; ++i) {
    const int socket = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) {
      // Out of descriptors: the connection will be announced again at once.
      if (!would_wait(errno) && !let_one_go(1))
        std::this_thread::sleep_for(kPauseWithoutDescriptors);
      return;
    }
    const int yes = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    let_one_go(limits_.waiting);
    put(socket, {.until = Clock::now() + limits_.request}, EPOLL_CTL_ADD);
  }
}

bool ConnectionInbox::let_one_go(std::size_t from) {
  int socket = -1;
  State state;
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() < from) return false;
    const auto first = std::ranges::min_element(waiting_, {}, [](const auto& each) {
      return std::tuple(each.second.state, each.second.until);
    });
    socket = first->first;
    state = first->second.state;
    waiting_.erase(first);
  }
  if (state == State::arriving)
    send_now(socket, refusal_(RequestError(
                         503, "http", "too many requests are arriving at once; try again soon")));
  ::close(socket);
  return true;
}

void ConnectionInbox::read(int socket, Connection connection) {
  std::array<char, 16384> buffer;
  const ssize_t got = ::recv(socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (got < 0 && would_wait(errno)) return put(socket, std::move(connection), EPOLL_CTL_MOD);
  if (got <= 0) {
    ::close(socket);
    return;
  }
  if (connection.state == State::lingering)
    return put(socket, std::move(connection), EPOLL_CTL_MOD);
  if (std::exchange(connection.state, State::arriving) == State::idle)
    connection.until = Clock::now() + limits_.request;
  connection.bytes.append(buffer.data(), static_cast<std::size_t>(got));
  advance(socket, std::move(connection));
}

void ConnectionInbox::advance(int socket, Connection connection) {
  const Framing framing = frame_request(connection.bytes);
  if (framing.refusal) return refuse(socket, *framing.refusal);
  if (framing.whole && unanswered_ >= limits_.unanswered)
    return refuse(socket, RequestError(503, "http", "too many requests wait; try again soon"));
  if (framing.whole) {
    ++unanswered_;
    const bool more = connection.bytes.size() > framing.size;
    connection.bytes.resize(framing.size);
    return deliver_({socket, std::move(connection.bytes), more});
  }
  if (framing.expects_continue && !std::exchange(connection.told_to_continue, true))
    send_now(socket, "HTTP/1.1 100 Continue\r\n\r\n");
  put(socket, std::move(connection), EPOLL_CTL_MOD);
}

void ConnectionInbox::finish(int socket, bool keep) {
  --unanswered_;
  if (!keep) return linger(socket);
  put(socket, {.state = State::idle, .until = Clock::now() + limits_.idle}, EPOLL_CTL_MOD);
}

void ConnectionInbox::refuse(int socket, const RequestError& error) {
  send_now(socket, refusal_(error));
  linger(socket);
}

void ConnectionInbox::linger(int socket) {
  ::shutdown(socket, SHUT_WR);
  put(socket, {.state = State::lingering, .until = Clock::now() + limits_.linger}, EPOLL_CTL_MOD);
}

void ConnectionInbox::expire() {
  std::vector<std::pair<int, Connection>> late;
  {
    const std::lock_guard lock(mutex_);
    const auto now = Clock::now();
    for (auto it = waiting_.begin(); it != waiting_.end();) {
      const auto here = it++;
      if (here->second.until > now) continue;
      late.emplace_back(here->first, std::move(here->second));
      waiting_.erase(here);
    }
    if (waiting_.empty() && std::exchange(ticking_, false)) set_timer(0);
  }
  for (const auto& [socket, connection] : late) {
    if (connection.state == State::arriving && !connection.bytes.empty())
      refuse(socket, RequestError(408, "http", "the request did not arrive in time"));
    else
      ::close(socket);
  }
}

void ConnectionInbox::set_timer(long nanoseconds) const {
  const timespec every{0, nanoseconds};
  const itimerspec setting{every, every};
  ::timerfd_settime(timer_, 0, &setting, nullptr);
}

}  // namespace headlight::app
