// The socket that the lab listens on.
#pragma once

#include <string>

namespace headlight::app {

class Listener {
 public:
  /// Listens at a port of a host, by name or address; port 0: any free one. Throws, saying why it
  /// cannot.
  Listener(const std::string& host, int port);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  int socket() const { return socket_; }
  int port() const;

 private:
  int socket_ = -1;
};

}  // namespace headlight::app
