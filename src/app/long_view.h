// What the lab tells of a text too long to show whole: a part at a time, bounded whatever its
// length.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "app/lab_request.h"
#include "app/lab_response.h"
#include "app/model_catalog.h"
#include "inspect/long_trace.h"

namespace headlight::app {

/// Tokens of a trace that keeps everything, and is answered whole.
inline constexpr std::int64_t kMostWholeTokens = 4096;
/// Tokens of a long trace.
inline constexpr std::int64_t kMostLongTokens = 1 << 17;

/// The most tokens that a long trace of this model takes: with learned positions as many as there
/// are.
std::int64_t longest_text(const ModelConfig& config);
/// Throws RequestError (400), naming how many tokens would fit, when a long trace of so many takes
/// more than `most_bytes`.
void check_long_trace(const ModelConfig& config, std::int64_t length, std::size_t most_bytes);

/// LongTrace of the HTTP API.
Json json_long_trace(std::string_view id, const ModelInfo& info, const LongTrace& trace);

/// Whether a path after traces/ID is one of those below.
bool is_long_view(std::string_view part);
/// Answers /map, /tokens, /find and /strongest (docs/http-api.md) of any trace whose layers hold q,
/// k and lse. Throws RequestError (400) naming the parameter and its range.
LabResponse long_view(const LabRequest& request, std::string_view part, const Trace& trace);

}  // namespace headlight::app
