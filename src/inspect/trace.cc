#include "inspect/trace.h"

#include <utility>

#include "core/error.h"
#include "inspect/trace_tensors.h"

namespace headlight {

Tensor contiguous_copy(TensorView from) {
  Tensor to(from.shape());
  const bool matrix = from.rank() == 2;
  const std::int64_t middle = matrix ? 1 : from.dim(1);
  const std::int64_t middle_stride = matrix ? 0 : from.stride(1);
  const std::size_t last = from.rank() - 1;
  const float* source = from.as<float>();
  float* out = to.span<float>().data();
  for (std::int64_t i = 0; i < from.dim(0); ++i)
    for (std::int64_t j = 0; j < middle; ++j)
      for (std::int64_t k = 0; k < from.dim(last); ++k)
        *out++ = source[i * from.stride(0) + j * middle_stride + k * from.stride(last)];
  return to;
}

Trace unrecorded_trace(const Transformer& model, std::vector<Token> tokens, std::string text) {
  Trace trace;
  trace.config = model.config();
  trace.text = std::move(text);
  for (const Token& token : tokens) trace.ids.push_back(token.id);
  trace.tokens = std::move(tokens);
  trace.layers.resize(static_cast<std::size_t>(trace.config.n_layers));
  return trace;
}

std::vector<std::int64_t> token_types(const Trace& trace) {
  std::vector<std::int64_t> types;
  if (trace.config.n_token_types == 0) return types;
  for (const Token& token : trace.tokens) types.push_back(token.type_id);
  return types;
}

void keep_in_trace(Trace& trace, const Recorded& recorded) {
  if (recorded.layer < 0) return;
  const auto layer = static_cast<std::size_t>(recorded.layer);
  visit_tensors(trace.layers[layer], trace.config, trace.length(),
                [&](std::string_view name, Tensor& tensor, const Shape&) {
                  if (recorded.name == traced_name(layer, name))
                    tensor = contiguous_copy(recorded.value);
                });
}

Trace record_trace(const Transformer& model, std::vector<Token> tokens, std::string text,
                   const TraceOptions& options) {
  Trace trace = unrecorded_trace(model, std::move(tokens), std::move(text));
  const std::vector<std::int64_t> types = token_types(trace);
  const ForwardOptions forward = {
      .token_type_ids = types,
      .head_gates = options.head_gates,
      .observer = [&trace](const Recorded& recorded) { keep_in_trace(trace, recorded); },
      .kernel = options.kernel,
      .logits = false};
  trace.attention = model.forward(trace.ids, forward).attention;
  return trace;
}

std::vector<Token> tokens_of_ids(std::span<const std::int64_t> ids) {
  std::vector<Token> tokens;
  for (std::int64_t id : ids) {
    Token token;
    token.id = id;
    token.piece = fmt::format("#{}", id);
    tokens.push_back(std::move(token));
  }
  return tokens;
}

}  // namespace headlight
