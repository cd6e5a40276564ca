#include "app/outgoing.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace headlight::app {
namespace {

/// What is left of `text` after its first `sent` bytes.
iovec rest_of(std::string& text, std::size_t sent) {
  const std::size_t from = std::min(sent, text.size());
  return {text.data() + from, text.size() - from};
}

}  // namespace

Outgoing::State Outgoing::begin(std::string head, std::string body) {
  head_ = std::move(head);
  body_ = std::move(body);
  sent_ = 0;
  return go_on();
}

bool Outgoing::finish() {
  State state = go_on();
  while (state == State::waiting && wait_until_writable()) state = go_on();
  return state == State::sent;
}

Outgoing::State Outgoing::go_on() {
  while (sent_ < head_.size() + body_.size()) {
    // Together: head and body in one packet wake the other side once.
    iovec parts[] = {rest_of(head_, sent_), rest_of(body_, sent_ - std::min(sent_, head_.size()))};
    const msghdr message{.msg_name = nullptr,
                         .msg_namelen = 0,
                         .msg_iov = parts,
                         .msg_iovlen = 2,
                         .msg_control = nullptr,
                         .msg_controllen = 0,
                         .msg_flags = 0};
    const ssize_t count = ::sendmsg(socket_, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count >= 0)
      sent_ += static_cast<std::size_t>(count);
    else if (errno == EAGAIN || errno == EWOULDBLOCK)
      return State::waiting;
    else if (errno != EINTR)
      return State::broken;
  }
  return State::sent;
}

bool Outgoing::wait_until_writable() {
  while (left_.count() > 0) {
    const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(left_).count();
    pollfd one{socket_, POLLOUT, 0};
    const auto began = Clock::now();
    const int ready = ::poll(&one, 1, static_cast<int>(milliseconds));
    left_ -= Clock::now() - began;
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
  return false;
}

bool given_up(int socket) {
  pollfd one{socket, POLLRDHUP, 0};
  return ::poll(&one, 1, 0) > 0 && (one.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

}  // namespace headlight::app
