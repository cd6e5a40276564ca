#include "inspect/head_statistics.h"

#include <algorithm>
#include <numeric>

#include "core/error.h"
#include "inspect/trace_tensors.h"
#include "kernels/attention/statistics.h"

namespace headlight {
namespace {

/// What the kernel says of one layer: [1, n_heads, T] each.
struct LayerStatistics {
  explicit LayerStatistics(const Shape& rows) : entropy(rows), distance(rows), columns(rows) {}

  Tensor entropy, distance;  // by query
  Tensor columns;            // by key: the mass that it gets from all queries
};

void run_layer(const Trace& trace, std::int64_t layer, LayerStatistics& into, Tensor& z) {
  const ModelConfig& c = trace.config;
  const TracedLayer& traced = trace.layers[static_cast<std::size_t>(layer)];
  const AttentionStatistics wanted{
      .entropy = into.entropy, .distance = into.distance, .column_mass = into.columns};
  attention({.q = batch_of_one(traced.q),
             .k = batch_of_one(traced.k),
             .v = batch_of_one(traced.v),
             .z = z,
             .statistics = &wanted},
            {.scale = c.attention_scale(layer),
             .causal = c.causal() ? Causal::bottom_right : Causal::none});
}

/// Head `head`'s values of [1, n_heads, T].
std::span<const float> of_head(const Tensor& rows, std::int64_t head) {
  const auto length = static_cast<std::size_t>(rows.dim(2));
  return rows.span<float>().subspan(static_cast<std::size_t>(head) * length, length);
}

double sum(std::span<const float> values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

}  // namespace

std::vector<std::int64_t> sinks_of(std::span<const Token> tokens) {
  std::vector<std::int64_t> sinks;
  for (std::size_t i = 0; i < tokens.size(); ++i)
    if (tokens[i].special) sinks.push_back(static_cast<std::int64_t>(i));
  if (sinks.empty() && !tokens.empty()) sinks.push_back(0);
  return sinks;
}

HeadStatistics head_statistics(const Trace& trace) {
  const ModelConfig& c = trace.config;
  check(trace.length() > 0 && std::ssize(trace.layers) == c.n_layers, "trace",
        "{} tokens and {} layers are no trace of a model of {}", trace.length(),
        trace.layers.size(), c.n_layers);
  const Shape grid{c.n_layers, c.n_heads};
  HeadStatistics result{Tensor(grid), Tensor(grid), Tensor(grid), sinks_of(trace.tokens)};
  LayerStatistics layer({1, c.n_heads, trace.length()});
  Tensor z({1, trace.length(), c.n_heads, c.head_dim});
  const auto queries = static_cast<double>(trace.length());
  const auto mean = [&](double total) { return static_cast<float>(total / queries); };
  for (std::int64_t l = 0; l < c.n_layers; ++l) {
    run_layer(trace, l, layer, z);
    for (std::int64_t h = 0; h < c.n_heads; ++h) {
      const auto at = static_cast<std::size_t>(l * c.n_heads + h);
      const auto columns = of_head(layer.columns, h);
      double on_sinks = 0;
      for (const std::int64_t sink : result.sinks)
        on_sinks += columns[static_cast<std::size_t>(sink)];
      result.entropy.span<float>()[at] = mean(sum(of_head(layer.entropy, h)));
      result.distance.span<float>()[at] = mean(sum(of_head(layer.distance, h)));
      result.sink_mass.span<float>()[at] = mean(on_sinks);
    }
  }
  return result;
}

}  // namespace headlight
