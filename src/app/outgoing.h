// An answer on its way: whatever its reader does, it is written within a limited time.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace headlight::app {

/// Writes to a connection, which stays the caller's. Only waiting for the other side counts against
/// the limit: what takes long to tell may take as long as it likes.
class Outgoing {
 public:
  static constexpr std::chrono::seconds kLimit{60};

  explicit Outgoing(int socket) : socket_(socket) {}

  enum class State : std::uint8_t { sent, waiting, broken };
  /// Writes what the connection takes at once; the rest is for finish().
  State begin(std::string head, std::string body);
  /// Writes the rest. False: the other side has gone, or took too long.
  bool finish();
  bool write(std::string bytes) { return begin(std::move(bytes), {}) != State::broken && finish(); }

 private:
  using Clock = std::chrono::steady_clock;
  State go_on();
  bool wait_until_writable();

  int socket_;
  std::string head_, body_;
  std::size_t sent_ = 0;  // of both together
  Clock::duration left_ = kLimit;
};

/// Whether the other side of a connection has closed: nobody takes the answer.
bool given_up(int socket);

}  // namespace headlight::app
