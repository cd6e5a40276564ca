#include "app/listener.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <system_error>

#include "app/request_guard.h"
#include "core/error.h"

namespace headlight::app {
namespace {

constexpr int kBacklog = 1024;

/// A socket that listens there, or -1 with the reason in errno.
int listening_at(const addrinfo& at) {
  const int socket =
      ::socket(at.ai_family, at.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, at.ai_protocol);
  if (socket < 0) return -1;
  const int yes = 1;  // without it a port that was in use a minute ago is not to be had
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (::bind(socket, at.ai_addr, at.ai_addrlen) == 0 && ::listen(socket, kBacklog) == 0)
    return socket;
  const int reason = errno;
  ::close(socket);
  errno = reason;
  return -1;
}

}  // namespace

Listener::Listener(const std::string& host, int port) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  errno = 0;
  if (::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &wanted, &found) != 0)
    found = nullptr;
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, [](addrinfo* all) {
    if (all) ::freeaddrinfo(all);
  });
  int reason = 0;
  for (const addrinfo* each = found; each && socket_ < 0; each = each->ai_next) {
    socket_ = listening_at(*each);
    reason = errno;
  }
  check(socket_ >= 0, "lab", "cannot listen on {}:{}: {}{}", url_host(host), port,
        reason ? std::generic_category().message(reason) : "the host is not known here",
        reason == EADDRINUSE ? "; --port 0 takes a free one" : "");
}

Listener::~Listener() {
  ::close(socket_);
}

int Listener::port() const {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  check(::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size) == 0, "lab",
        "the system does not tell the port");
  return ntohs(address.ss_family == AF_INET6
                   ? reinterpret_cast<const sockaddr_in6&>(address).sin6_port
                   : reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

}  // namespace headlight::app
