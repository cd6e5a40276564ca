// What switching heads off did, as the command line and the server both say it: docs/http-api.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/loaded_model.h"
#include "inspect/ablation.h"
#include "inspect/ablation_effect.h"
#include "io/json.h"

namespace headlight::app {

/// What is asked for, in the words of the request; names are checked against the model later.
struct AblationRequest {
  std::vector<std::pair<std::string, double>> heads;  ///< "layer.head" or "layer.*", and its gate
  Replacement replacement = Replacement::zero;
  Input other;                      ///< for resample
  std::vector<std::string> corpus;  ///< for mean; empty: the text itself
  std::optional<std::int64_t> query, layer;
};

/// "zero", "mean", "resample"; nothing for another word.
std::optional<Replacement> parse_replacement(std::string_view name);

/// The runs and what they are looked at for.
struct AblationOutcome {
  std::vector<AblatedHead> heads;
  Replacement replacement;
  const ModelRun* intact;  ///< the caller's
  ModelRun after;
  Tensor direct;       ///< final hidden states [T, d_model] by the direct estimate
  std::int64_t query;  ///< the token whose predictions and layers are compared
  std::int64_t layer;  ///< the block whose attention output is compared
  std::optional<PredictionChange> predictions;  ///< nothing for a model without a head
};

/// Runs the tokens of `intact`, which must outlive the outcome, with the heads changed, and by the
/// direct estimate. Unless the request says otherwise, `query` is the first masked token, else the
/// text's last, and `layer` the first with a changed head. Throws RequestError for what does not
/// fit the model.
AblationOutcome run_ablation(const LoadedModel& model, const ModelRun& intact,
                             const AblationRequest& request, std::string_view kernel);

/// How the residual stream after a block changed, token by token.
std::vector<VectorChange> changes_of_layer(const AblationOutcome& outcome, std::size_t layer);

/// Ablation of the HTTP API.
Json json_ablation(const LoadedModel& model, const AblationOutcome& outcome);

}  // namespace headlight::app
