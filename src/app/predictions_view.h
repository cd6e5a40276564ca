// What a traced run predicts at a token.
#pragma once

#include <cstdint>

#include "app/loaded_model.h"
#include "inspect/ablation.h"
#include "io/json.h"

namespace headlight::app {

/// Predictions of the HTTP API: the `most` most probable tokens at `query` of a run. "best" is null
/// when the model has no head for tokens.
Json json_predictions(const LoadedModel& model, const ModelRun& run, std::int64_t query,
                      std::size_t most);

}  // namespace headlight::app
