// Numbers about all heads at once, as the HTTP API tells them.
#pragma once

#include "inspect/trace.h"
#include "io/json.h"

namespace headlight::app {

/// Statistics of the HTTP API: each head's entropy, distance and sink mass over the whole text.
Json json_statistics(const Trace& trace);

}  // namespace headlight::app
