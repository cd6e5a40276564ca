// A trace of a text too long to keep whole: what patterns are made of, a layer at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "inspect/trace.h"

namespace headlight {

/// Holds q, k and lse of the layers that were recorded so far (of a TracedLayer the rest stays
/// empty) and the residual stream after the last of them. Memory is O(T): a pattern, a logit and a
/// T x T never exist. Works for any model whose config allows the length, and for rotary positions
/// beyond what it was trained for.
class LongTrace {
 public:
  /// Checks nothing yet: the first layer does.
  LongTrace(const Transformer& model, std::vector<Token> tokens, std::string text);

  /// Runs the next block, and keeps what its patterns are made of. Throws when all are recorded,
  /// or when the model is another one or refuses the tokens; the trace is then as it was.
  void record_layer(const Transformer& model);
  std::int64_t layers_recorded() const { return std::ssize(trace_.layers); }
  /// Whether there are more tokens than the model has been trained for.
  bool past_max_len() const { return trace_.length() > trace_.config.max_len; }
  /// Its layers are those recorded.
  const Trace& trace() const { return trace_; }

 private:
  Trace trace_;
  Tensor resid_;  ///< [T, d_model] after the last recorded layer; empty before the first
};

/// Bytes that recording all layers of so many tokens takes at its peak, the model's own left out.
std::size_t long_trace_bytes(const ModelConfig& config, std::int64_t length);

}  // namespace headlight
