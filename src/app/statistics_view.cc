#include "app/statistics_view.h"

#include "app/json_view.h"
#include "inspect/head_statistics.h"

namespace headlight::app {

Json json_statistics(const Trace& trace) {
  const HeadStatistics statistics = head_statistics(trace);
  return {{"n_layers", trace.config.n_layers},
          {"n_heads", trace.config.n_heads},
          {"sinks", statistics.sinks},
          {"entropy", json_numbers(statistics.entropy.span<float>())},
          {"distance", json_numbers(statistics.distance.span<float>())},
          {"sink_mass", json_numbers(statistics.sink_mass.span<float>())}};
}

}  // namespace headlight::app
