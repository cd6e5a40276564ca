// The one error type of the library, and the one way to raise it.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace headlight {

/// Everything Headlight throws. The message reads
/// "[op] what went wrong, with both shapes; and a hint" and is one line.
/// `app/` maps it once to exit code 1 or an HTTP status; the library itself never prints or exits.
class Error : public std::runtime_error {
 public:
  Error(std::string_view op, std::string_view message)
      : std::runtime_error(fmt::format("[{}] {}", op, message)), op_(op) {}

  /// The operation that refused, e.g. "attention" or "safetensors".
  const std::string& op() const noexcept { return op_; }

 private:
  std::string op_;
};

/// Throws Error with a formatted message.
template <class... Args>
[[noreturn]] void fail(std::string_view op, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(op, fmt::format(format, std::forward<Args>(args)...));
}

/// Throws Error unless `ok`. The message is formatted only on failure.
template <class... Args>
void check(bool ok, std::string_view op, fmt::format_string<Args...> format, Args&&... args) {
  if (!ok) [[unlikely]]
    fail(op, format, std::forward<Args>(args)...);
}

/// Text from outside made safe for a one-line message: control characters and invalid UTF-8 are
/// escaped, and anything past `limit` bytes is cut with "...".
std::string printable(std::string_view text, std::size_t limit = 80);

}  // namespace headlight
