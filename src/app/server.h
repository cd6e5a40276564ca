// The lab's HTTP server.
#pragma once

#include <string>
#include <vector>

#include "app/end_signals.h"
#include "app/lab.h"

namespace headlight::app {

struct ServerOptions {
  std::string host = "127.0.0.1";
  int port = 8642;                 ///< 0: any free one
  std::vector<std::string> hosts;  ///< further names that a Host header may have
};

/// Serves the page and the API until SIGINT or SIGTERM; prints the address on standard output once
/// connections are accepted. Throws when the address cannot be had. A second signal ends the
/// process at once, should a long computation hold up the end.
void serve(const ServerOptions& options, Lab& lab, EndSignals& signals);

}  // namespace headlight::app
