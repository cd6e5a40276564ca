// Rows of the HTTP API, written as text: what a page asks for most, several times a second.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "inspect/trace.h"

namespace headlight::app {

/// Query row `query` of every head of a layer (or of one), and the average over all of them, as
/// JSON. Numbers are as json_number() has them. Building a tree of values and printing it took
/// three times as long as computing the rows.
std::string rows_json(const Trace& trace, std::int64_t layer, std::int64_t query,
                      std::optional<std::int64_t> only_head = std::nullopt);

}  // namespace headlight::app
