// Connections before their request is whole and after it is answered: one thread waits for all of
// them, so that slow, silent and hostile ones take no thread from the others.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "app/errors.h"

namespace headlight::app {

struct InboxLimits {
  std::size_t arriving = 256;                 ///< connections; one more, and the oldest is refused
  std::size_t unanswered = 512;               ///< whole requests; one more is refused
  std::chrono::milliseconds request{10'000};  ///< for a whole request, however slowly it drips
  std::chrono::milliseconds linger{1'000};    ///< for the other side to close after its answer
};

class ConnectionInbox {
 public:
  /// Takes a connection whose request has arrived whole, and its bytes; finish() gives it back.
  using Deliver = std::function<void(int socket, std::string bytes)>;
  /// The answer, headers and all, to what is refused here.
  using Refusal = std::function<std::string(const RequestError& error)>;

  /// `listening` is a listening socket, and stays the caller's.
  ConnectionInbox(int listening, Deliver deliver, Refusal refusal, InboxLimits limits = {});
  ~ConnectionInbox();
  ConnectionInbox(const ConnectionInbox&) = delete;
  ConnectionInbox& operator=(const ConnectionInbox&) = delete;

  /// Accepts, reads and delivers until stop(). Throws when there is nothing to listen on any more.
  void run();
  /// From any thread. Connections that are not with deliver()'s side are closed with this object.
  void stop();
  /// From any thread: the answer has been sent. The connection is closed once its other side has
  /// read it: closing with bytes unread would reset it and lose the answer.
  void finish(int socket);

 private:
  using Clock = std::chrono::steady_clock;
  struct Connection {
    int socket;  ///< -1: delivered or closed
    Clock::time_point until;
    std::string bytes = {};
    bool told_to_continue = false;
    bool lingering = false;
  };

  void wake() const;
  int milliseconds_to_wait() const;
  void accept_all();
  void take_finished();
  void read(Connection& connection);
  void advance(Connection& connection);
  void expire(Connection& connection);
  void refuse(Connection& connection, const RequestError& error);
  void make_room();
  void linger(Connection& connection) const;
  static void close(Connection& connection);

  int listening_;
  int wake_;  // an eventfd
  Deliver deliver_;
  Refusal refusal_;
  InboxLimits limits_;
  std::vector<Connection> connections_;  // oldest first; used by run() alone
  std::atomic<std::size_t> unanswered_{0};
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;
  std::vector<int> finished_;  // guarded by mutex_
};

}  // namespace headlight::app
