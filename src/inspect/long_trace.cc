#include "inspect/long_trace.h"

#include <utility>

#include "core/error.h"
#include "inspect/trace_tensors.h"

namespace headlight {

LongTrace::LongTrace(const Transformer& model, std::vector<Token> tokens, std::string text)
    : trace_(unrecorded_trace(model, std::move(tokens), std::move(text))) {
  trace_.layers.clear();
}

void LongTrace::record_layer(const Transformer& model) {
  const ModelConfig& c = trace_.config;
  check(model.config() == c, "trace", "the trace is of another model: its config is {}, not {}",
        to_json(c), to_json(model.config()));
  const std::int64_t l = layers_recorded();
  check(l < c.n_layers, "trace", "all {} layers are recorded", c.n_layers);
  TracedLayer layer;
  Tensor after;
  const auto keep = [&](const Recorded& recorded) {
    const auto named = [&](std::string_view name) {
      return recorded.name == traced_name(static_cast<std::size_t>(l), name);
    };
    if (named("attn.q")) layer.q = contiguous_copy(recorded.value);
    if (named("attn.k")) layer.k = contiguous_copy(recorded.value);
    if (named("attn.lse")) layer.lse = contiguous_copy(recorded.value);
    if (named("resid_post")) after = contiguous_copy(recorded.value);
  };
  const std::vector<std::int64_t> types = token_types(trace_);
  ForwardOptions options;
  options.token_type_ids = types;
  options.observer = keep;
  if (resid_) options.resid_pre = resid_;
  options.first_layer = l;
  options.n_layers = 1;
  options.past_max_len = past_max_len();
  AttentionReport report = model.forward(trace_.ids, options).attention;
  if (l == 0) trace_.attention = std::move(report);
  trace_.layers.push_back(std::move(layer));
  resid_ = std::move(after);
}

std::size_t long_trace_bytes(const ModelConfig& c, std::int64_t length) {
  const std::int64_t queries = c.n_heads * c.head_dim, keys = c.n_kv_heads * c.head_dim;
  const std::int64_t kept = c.n_layers * (queries + keys + c.n_heads);
  // Residual stream before and after a layer; the forward pass's own three, q, k, v and z.
  const std::int64_t passing = 5 * c.d_model + 2 * queries + 2 * keys + c.head_dim + c.n_heads;
  constexpr std::int64_t kTokenBytes = sizeof(Token) + 2 * sizeof(std::int64_t);
  return static_cast<std::size_t>(length) *
         (static_cast<std::size_t>(kept + passing) * sizeof(float) + kTokenBytes);
}

}  // namespace headlight
