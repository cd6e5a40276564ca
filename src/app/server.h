// The lab's HTTP server.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/access_token.h"
#include "app/end_signals.h"
#include "app/lab.h"

namespace headlight::app {

struct ServerOptions {
  std::string host = "127.0.0.1";
  int port = 8642;                        ///< 0: any free one
  std::vector<std::string> hosts;         ///< further names that a Host header may have
  std::optional<AccessToken> token = {};  ///< what every request has to show
};

/// Serves the page and the API until SIGINT or SIGTERM; prints the address (where it
/// listens at every one of the machine, one a line) on standard output once connections are
/// accepted. Throws when the address cannot be had. A second signal ends the process at once,
/// should a long computation hold up the end.
void serve(const ServerOptions& options, Lab& lab, EndSignals& signals);

}  // namespace headlight::app
