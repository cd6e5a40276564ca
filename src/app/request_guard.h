// Whose requests are answered: a page of somebody else's must not reach the engine through the
// user's browser (DNS rebinding, cross-site posts).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace headlight::app {

/// True for 127.0.0.0/8, ::1 and "localhost".
bool is_loopback(std::string_view host);
/// The host as a URL has it: IPv6 addresses in brackets.
std::string url_host(std::string_view host);

/// ASCII letters in lower case, as the names of hosts and headers are compared.
std::string lower_case(std::string_view text);

/// Whether a bound socket takes connections at every address of this machine.
bool listens_everywhere(int socket);
/// The addresses of this machine that others can reach it at, IPv4 first; the loopback where there
/// is none.
std::vector<std::string> machine_addresses();
/// What this machine calls itself.
std::string machine_name();

class RequestGuard {
 public:
  /// Answers to the loopback names, the bound host, and `more_hosts`, all at `port`.
  RequestGuard(std::string_view host, int port, const std::vector<std::string>& more_hosts);

  /// Whether a `Host` header names this server.
  bool host_is_ours(std::string_view header) const;
  /// Whether an `Origin` header is that of a page this server sent.
  bool origin_is_ours(std::string_view header) const;

 private:
  std::vector<std::string> hosts_;  // "name:port", lower case
};

}  // namespace headlight::app
