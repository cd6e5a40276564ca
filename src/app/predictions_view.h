// What a traced run predicts at a token.
#pragma once

#include <cstdint>

#include "app/loaded_model.h"
#include "inspect/trace.h"
#include "io/json.h"

namespace headlight::app {

/// Predictions of the HTTP API: the `most` most probable tokens at `query`, of a run that was made
/// with `gates` (null: all open). "best" is null when the model has no head for tokens.
Json json_predictions(const LoadedModel& model, const Trace& trace, const HeadGates* gates,
                      std::int64_t query, std::size_t most);

}  // namespace headlight::app
