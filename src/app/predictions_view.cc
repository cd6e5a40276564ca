#include "app/predictions_view.h"

#include <utility>

#include "app/json_view.h"
#include "inspect/ablation_effect.h"

namespace headlight::app {
Json json_predictions(const LoadedModel& model, const ModelRun& run, std::int64_t query,
                      std::size_t most) {
  Json best;  // null for a model without a head
  if (model.transformer.has_logits()) {
    const std::int64_t d_model = run.trace.config.d_model;
    const Tensor logits = model.transformer.logits(
        {run.last_hidden.span<float>().data() + query * d_model, Shape({1, d_model})});
    const auto row = logits.span<float>();
    best = Json::array();
    for (const Prediction& each : prediction_change(row, row, row, most).best)
      best.push_back({{"id", each.id},
                      {"piece", piece_of(model, each.id)},
                      {"probability", json_number(each.before)}});
  }
  return {{"query", query}, {"best", std::move(best)}};
}

}  // namespace headlight::app
