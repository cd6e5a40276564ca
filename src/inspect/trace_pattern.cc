// What a trace shows: patterns recomputed from q and k, and what each head wrote.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/error.h"
#include "core/threads.h"
#include "inspect/trace.h"
#include "inspect/trace_tensors.h"
#include "kernels/attention/pattern.h"

namespace headlight {

const TracedLayer& traced_layer(const Trace& trace, std::int64_t layer) {
  check(0 <= layer && layer < std::ssize(trace.layers), "trace", "layer {} is not in [0, {})",
        layer, trace.layers.size());
  return trace.layers[static_cast<std::size_t>(layer)];
}

void check_head(const Trace& trace, std::int64_t head) {
  check(0 <= head && head < trace.config.n_heads, "trace", "head {} is not in [0, {})", head,
        trace.config.n_heads);
}

namespace {

void check_query(const Trace& trace, std::int64_t query) {
  check(0 <= query && query < trace.length(), "trace", "query {} is not in [0, {})", query,
        trace.length());
}

/// Pattern rows of one layer, straight from what its attention saw.
class LayerPatterns {
 public:
  LayerPatterns(const Trace& trace, std::int64_t layer) {
    const TracedLayer& traced = traced_layer(trace, layer);
    const ModelConfig& config = trace.config;
    problem_.q_len = problem_.kv_len = trace.length();
    problem_.n_heads = config.n_heads;
    problem_.n_kv_heads = config.n_kv_heads;
    problem_.head_dim = problem_.head_dim_v = config.head_dim;
    problem_.scale = config.attention_scale(layer);
    problem_.causal = config.causal() ? Causal::bottom_right : Causal::none;
    tensors_.q = batch_of_one(traced.q);
    tensors_.k = batch_of_one(traced.k);
  }

  /// Rows [begin, end) of a head into `out`, (end - begin) * T values.
  void rows(std::int64_t head, std::int64_t begin, std::int64_t end, float* out) const {
    const PatternRows rows{.batch = 0, .head = head, .row_begin = begin, .row_end = end};
    attention_pattern(problem_, tensors_, rows,
                      MutableTensorView(out, Shape({end - begin, problem_.kv_len})));
  }

 private:
  AttentionProblem problem_;
  AttentionTensors tensors_;
};

}  // namespace

Tensor pattern_rows(const Trace& trace, std::int64_t layer, std::int64_t head,
                    std::int64_t row_begin, std::int64_t row_end) {
  const LayerPatterns patterns(trace, layer);
  check_head(trace, head);
  check(0 <= row_begin && row_begin <= row_end && row_end <= trace.length(), "trace",
        "rows {}:{} are not in 0:{}", row_begin, row_end, trace.length());
  Tensor out({row_end - row_begin, trace.length()});
  patterns.rows(head, row_begin, row_end, out.span<float>().data());
  return out;
}

Tensor query_rows(const Trace& trace, std::int64_t layer, std::int64_t query) {
  const LayerPatterns patterns(trace, layer);
  check_query(trace, query);
  Tensor out({trace.config.n_heads, trace.length()});
  float* row = out.span<float>().data();
  parallel_for(trace.config.n_heads, [&](std::int64_t h) {
    const ThreadLimit alone(1);
    patterns.rows(h, query, query + 1, row + h * trace.length());
  });
  return out;
}

Tensor average_of_heads(const Tensor& rows) {
  const std::int64_t n = rows.dim(0), length = rows.dim(1);
  Tensor out({length});
  const float* from = rows.span<float>().data();
  for (std::int64_t j = 0; j < length; ++j) {
    double sum = 0;
    for (std::int64_t h = 0; h < n; ++h) sum += from[h * length + j];
    out.span<float>()[static_cast<std::size_t>(j)] =
        static_cast<float>(sum / static_cast<double>(n));
  }
  return out;
}

Tensor head_contributions(const Transformer& model, const Trace& trace, std::int64_t layer,
                          std::int64_t query) {
  const ModelConfig& c = trace.config;
  check(model.config() == c, "trace", "the trace is of another model: its config is {}, not {}",
        to_json(c), to_json(model.config()));
  const TracedLayer& traced = traced_layer(trace, layer);
  check_query(trace, query);
  Tensor out({c.n_heads, c.d_model});
  const float* z = traced.z.span<float>().data() + query * c.n_heads * c.head_dim;
  const float* w_o = model.w_o(layer).as<float>();
  std::vector<double> sum(static_cast<std::size_t>(c.d_model));
  for (std::int64_t h = 0; h < c.n_heads; ++h) {
    std::ranges::fill(sum, 0.0);
    for (std::int64_t d = 0; d < c.head_dim; ++d) {
      const double z_d = z[h * c.head_dim + d];
      const float* row = w_o + (h * c.head_dim + d) * c.d_model;
      for (std::size_t j = 0; j < sum.size(); ++j) sum[j] += z_d * static_cast<double>(row[j]);
    }
    std::ranges::transform(sum, out.span<float>().begin() + h * c.d_model,
                           [](double x) { return static_cast<float>(x); });
  }
  return out;
}

/// As many as the tiled kernel takes together.
constexpr std::int64_t kRowsAtOnce = 48;

Tensor pattern_thumbnail(const Trace& trace, std::int64_t layer, std::int64_t head,
                         std::int64_t size) {
  const LayerPatterns patterns(trace, layer);
  check_head(trace, head);
  check(size >= 1, "trace", "thumbnail size {} must be at least 1", size);
  const std::int64_t length = trace.length();
  const std::int64_t n = std::min(size, length);
  const auto edge = [&](std::int64_t cell) { return cell * length / n; };
  Tensor out({n, n});
  float* cells = out.span<float>().data();
  parallel_for(n, [&](std::int64_t i) {
    const ThreadLimit alone(1);
    const std::int64_t at_once = std::min(kRowsAtOnce, edge(i + 1) - edge(i));
    std::vector<float> rows(static_cast<std::size_t>(at_once * length));
    std::vector<double> mass(static_cast<std::size_t>(n));
    // A tile's rows at a time: the T x T pattern never exists.
    for (std::int64_t q = edge(i); q < edge(i + 1); q += at_once) {
      const std::int64_t end = std::min(q + at_once, edge(i + 1));
      patterns.rows(head, q, end, rows.data());
      for (const float* row = rows.data(); row != rows.data() + (end - q) * length; row += length)
        for (std::int64_t j = 0; j < n; ++j)
          for (std::int64_t k = edge(j); k < edge(j + 1); ++k)
            mass[static_cast<std::size_t>(j)] += row[k];
    }
    const auto queries = static_cast<double>(edge(i + 1) - edge(i));
    for (std::int64_t j = 0; j < n; ++j)
      cells[i * n + j] = static_cast<float>(mass[static_cast<std::size_t>(j)] / queries);
  });
  return out;
}

std::vector<double> row_entropies(const Tensor& rows) {
  std::vector<double> out;
  const auto length = static_cast<std::size_t>(rows.dim(1));
  const auto values = rows.span<float>();
  for (std::int64_t i = 0; i < rows.dim(0); ++i) {
    double entropy = 0;
    for (double p : values.subspan(static_cast<std::size_t>(i) * length, length))
      if (p > 0) entropy -= p * std::log(p);
    out.push_back(entropy);
  }
  return out;
}

}  // namespace headlight
