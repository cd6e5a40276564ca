#include "app/request_guard.h"

#include <fmt/format.h>

#include <algorithm>

namespace headlight::app {
namespace {

constexpr int kHttpPort = 80;  // what a Host header without a port means

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
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

std::string url_host(std::string_view host) {
  return host.find(':') == host.npos ? std::string(host) : fmt::format("[{}]", host);
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
