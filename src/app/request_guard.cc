#include "app/request_guard.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>

namespace headlight::app {
namespace {

constexpr int kHttpPort = 80;  // what a Host header without a port means

/// The address as text; empty for one that needs more than itself to be reached.
std::string text_of(const sockaddr& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* from = nullptr;
  if (address.sa_family == AF_INET) from = &reinterpret_cast<const sockaddr_in&>(address).sin_addr;
  if (address.sa_family == AF_INET6) {
    const in6_addr& six = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
    if (!IN6_IS_ADDR_LINKLOCAL(&six)) from = &six;
  }
  if (from) ::inet_ntop(address.sa_family, from, text.data(), text.size());
  return text.data();
}

/// The header with its port written out.
std::string with_port(std::string_view header) {
  const std::size_t after_brackets = header.find(']');
  const std::size_t from = after_brackets == header.npos ? 0 : after_brackets;
  const bool has_port = header.find(':', from) != header.npos;
  return has_port ? lower_case(header) : fmt::format("{}:{}", lower_case(header), kHttpPort);
}

}  // namespace

bool is_loopback(std::string_view host) {
  const bool numeric = host.find_first_not_of("0123456789.") == host.npos;
  return host == "localhost" || host == "::1" || (numeric && host.starts_with("127."));
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string url_host(std::string_view host) {
  return host.find(':') == host.npos ? std::string(host) : fmt::format("[{}]", host);
}

bool listens_everywhere(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return false;
  const std::string text = text_of(reinterpret_cast<const sockaddr&>(address));
  return text == "0.0.0.0" || text == "::";
}

std::vector<std::string> machine_addresses() {
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) all = nullptr;
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner(all, ::freeifaddrs);
  std::vector<std::string> found;
  for (const int family : {AF_INET, AF_INET6})
    for (const ifaddrs* each = all; each; each = each->ifa_next) {
      const bool wanted = each->ifa_addr && each->ifa_addr->sa_family == family &&
                          (each->ifa_flags & IFF_UP) && !(each->ifa_flags & IFF_LOOPBACK);
      if (std::string text = wanted ? text_of(*each->ifa_addr) : ""; !text.empty())
        found.push_back(std::move(text));
    }
  if (found.empty()) found.push_back("127.0.0.1");
  return found;
}

std::string machine_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "localhost";
}

RequestGuard::RequestGuard(std::string_view host, int port,
                           const std::vector<std::string>& more_hosts) {
  std::vector<std::string> names = {"localhost", "127.0.0.1", "::1", std::string(host)};
  names.insert(names.end(), more_hosts.begin(), more_hosts.end());
  for (const std::string& name : names)
    hosts_.push_back(fmt::format("{}:{}", lower_case(url_host(name)), port));
}

bool RequestGuard::host_is_ours(std::string_view header) const {
  return std::ranges::find(hosts_, with_port(header)) != hosts_.end();
}

bool RequestGuard::origin_is_ours(std::string_view header) const {
  constexpr std::string_view kScheme = "http://";
  return header.starts_with(kScheme) && host_is_ours(header.substr(kScheme.size()));
}

}  // namespace headlight::app
