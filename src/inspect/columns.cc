#include "inspect/columns.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/threads.h"
#include "kernels/matmul/matmul.h"

namespace headlight {
namespace {

/// As many rows as the tiled kernel takes together.
constexpr std::int64_t kRowsAtOnce = 48;

/// [T, head_dim]: v as query head `head` reads it.
Tensor values_of(const Trace& trace, std::int64_t layer, std::int64_t head) {
  const ModelConfig& c = trace.config;
  const std::int64_t kv_head = head * c.n_kv_heads / c.n_heads;
  Tensor values({trace.length(), c.head_dim});
  const float* from = trace.layers[static_cast<std::size_t>(layer)].v.span<float>().data();
  float* to = values.span<float>().data();
  for (std::int64_t j = 0; j < trace.length(); ++j)
    std::copy_n(from + (j * c.n_kv_heads + kv_head) * c.head_dim, c.head_dim, to + j * c.head_dim);
  return values;
}

double norm(std::span<const float> vector) {
  double squares = 0;
  for (const double x : vector) squares += x * x;
  return std::sqrt(squares);
}

}  // namespace

Tensor pattern_columns(const Trace& trace, std::int64_t layer, std::int64_t key) {
  const std::int64_t length = trace.length();
  check(0 <= layer && layer < std::ssize(trace.layers), "trace", "layer {} is not in [0, {})",
        layer, trace.layers.size());
  check(0 <= key && key < length, "trace", "key {} is not in [0, {})", key, length);
  Tensor columns({trace.config.n_heads, length});
  float* out = columns.span<float>().data();
  parallel_for(trace.config.n_heads, [&](std::int64_t h) {
    const ThreadLimit alone(1);
    for (std::int64_t begin = 0; begin < length; begin += kRowsAtOnce) {
      const std::int64_t end = std::min(begin + kRowsAtOnce, length);
      const Tensor rows = pattern_rows(trace, layer, h, begin, end);
      for (std::int64_t i = begin; i < end; ++i)
        out[h * length + i] =
            rows.span<float>()[static_cast<std::size_t>((i - begin) * length + key)];
    }
  });
  return columns;
}

Tensor value_norms(const Transformer& model, const Trace& trace, std::int64_t layer) {
  const ModelConfig& c = trace.config;
  check(model.config() == c, "trace", "the trace is of another model: its config is {}, not {}",
        to_json(c), to_json(model.config()));
  check(0 <= layer && layer < std::ssize(trace.layers), "trace", "layer {} is not in [0, {})",
        layer, trace.layers.size());
  Tensor norms({c.n_heads, trace.length()});
  Tensor carried({trace.length(), c.d_model});
  const auto width = static_cast<std::size_t>(c.d_model);
  auto out = norms.span<float>().begin();
  for (std::int64_t h = 0; h < c.n_heads; ++h) {
    const float* block = model.w_o(layer).as<float>() + h * c.head_dim * c.d_model;
    matmul(values_of(trace, layer, h), TensorView(block, Shape({c.head_dim, c.d_model})), carried);
    for (std::size_t at = 0; at < carried.span<float>().size(); at += width)
      *out++ = static_cast<float>(norm(carried.span<float>().subspan(at, width)));
  }
  return norms;
}

}  // namespace headlight
