#include "app/predictions_view.h"

#include <algorithm>
#include <utility>

#include "app/json_view.h"
#include "inspect/ablation_effect.h"

namespace headlight::app {
namespace {

/// The final hidden state of one token [1, d_model]. A trace ends before the last norm, so the last
/// block runs again from the stream that it was given.
Tensor final_state(const Transformer& model, const Trace& trace, const HeadGates* gates,
                   std::int64_t query) {
  const ForwardResult result = model.forward(trace.ids, {.head_gates = gates,
                                                         .resid_pre = trace.layers.back().resid_pre,
                                                         .first_layer = trace.config.n_layers - 1,
                                                         .logits = false});
  Tensor state({1, trace.config.d_model});
  const auto width = static_cast<std::size_t>(trace.config.d_model);
  const auto row =
      result.last_hidden.span<float>().subspan(static_cast<std::size_t>(query) * width, width);
  std::ranges::copy(row, state.span<float>().begin());
  return state;
}

}  // namespace

Json json_predictions(const LoadedModel& model, const Trace& trace, const HeadGates* gates,
                      std::int64_t query, std::size_t most) {
  Json best;  // null for a model without a head
  if (model.transformer.has_logits()) {
    const Tensor logits =
        model.transformer.logits(final_state(model.transformer, trace, gates, query));
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
