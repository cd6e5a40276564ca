// Connections before their request is whole, between two requests and after the last answer: a few
// threads wait for all of them, so that slow, silent and hostile ones take no thread from the
// others.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "app/errors.h"

namespace headlight::app {

struct InboxLimits {
  std::size_t waiting = 512;  ///< connections without a whole request; one more, and one has to go
  std::size_t unanswered = 512;               ///< whole requests; one more is refused
  std::chrono::milliseconds request{10'000};  ///< for a whole request, however slowly it drips
  std::chrono::seconds idle{30};              ///< for the next request on the same connection
  std::chrono::milliseconds linger{1'000};    ///< for the other side to close after its last answer
};

class ConnectionInbox {
 public:
  /// A connection whose request has arrived whole; finish() gives it back.
  struct Arrival {
    int socket;
    std::string bytes;   ///< the request
    bool more_followed;  ///< bytes of another one, which is not read: clients do not send ahead
  };
  /// Called on a thread of run(): what it cannot do at once belongs to another thread.
  using Deliver = std::function<void(Arrival)>;
  /// The answer, head and all, to what is refused here.
  using Refusal = std::function<std::string(const RequestError& error)>;

  /// `listening` is a listening socket, and stays the caller's.
  ConnectionInbox(int listening, Deliver deliver, Refusal refusal, InboxLimits limits = {});
  ~ConnectionInbox();
  ConnectionInbox(const ConnectionInbox&) = delete;
  ConnectionInbox& operator=(const ConnectionInbox&) = delete;

  /// Accepts, reads and delivers until stop(), on as many threads as call it. Throws when there is
  /// nothing to listen on any more.
  void run();
  /// From any thread. Connections that are not with deliver()'s side are closed with this object.
  void stop();
  /// From any thread: the answer has been sent. Where the connection is not kept for another
  /// request it is closed once its other side has read the answer: closing with bytes unread would
  /// reset it and lose the answer.
  void finish(int socket, bool keep);

 private:
  using Clock = std::chrono::steady_clock;
  /// In this order they have to go when there are too many.
  enum class State : std::uint8_t { lingering, idle, arriving };
  struct Connection {
    State state = State::arriving;
    Clock::time_point until;
    std::string bytes = {};
    bool told_to_continue = false;
  };

  void watch(int fd, int operation, std::uint32_t events) const;
  void serve(int fd);
  void accept_all();
  void read(int socket, Connection connection);
  void advance(int socket, Connection connection);
  void refuse(int socket, const RequestError& error);
  void linger(int socket);
  /// Takes a connection out of the table, so that nobody else touches it; nothing when somebody
  /// else has it.
  std::optional<Connection> take(int socket);
  /// Puts it (back), to be announced with its next byte.
  void put(int socket, Connection connection, int operation);
  /// Where `from` of them wait: closes the one that is missed least. Whether it did.
  bool let_one_go(std::size_t from);
  void expire();
  void set_timer(long nanoseconds) const;  // 0: no more

  int listening_;
  int stop_, timer_, epoll_;  // an eventfd, a timerfd, and what waits for everything
  Deliver deliver_;
  Refusal refusal_;
  InboxLimits limits_;
  std::atomic<std::size_t> unanswered_{0};
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;
  std::unordered_map<int, Connection> waiting_;  // by socket; guarded by mutex_
  bool ticking_ = false;                         // guarded by mutex_
};

}  // namespace headlight::app
