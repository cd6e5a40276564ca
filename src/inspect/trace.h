// A trace: q, k, v, lse (never the pattern) of every block for one text; patterns on demand.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/tensor.h"
#include "model/config.h"
#include "model/tokenizer.h"
#include "model/transformer.h"

namespace headlight {

/// What one block left behind. O(T * d_model) memory.
struct TracedLayer {
  Tensor q;           ///< [T, n_heads, head_dim], as attention saw it
  Tensor k, v;        ///< [T, n_kv_heads, head_dim]
  Tensor z;           ///< [T, n_heads, head_dim], after the gates
  Tensor lse;         ///< [n_heads, T]
  Tensor out;         ///< [T, d_model]: z W_O + b_O
  Tensor resid_pre;   ///< [T, d_model]
  Tensor resid_post;  ///< [T, d_model]
};

struct Trace {
  ModelConfig config;
  std::vector<std::int64_t> ids;
  std::vector<Token> tokens;  ///< same length as ids; pieces "#id" when the model has no tokenizer
  std::string text;           ///< the user's text, empty for ids
  std::vector<TracedLayer> layers;
  AttentionReport attention;  ///< what ran; empty in a trace that was loaded

  std::int64_t length() const { return static_cast<std::int64_t>(ids.size()); }
};

struct TraceOptions {
  const HeadGates* head_gates = nullptr;
  std::string_view kernel = {};
};

/// Runs the model once with an observer that keeps what a trace holds.
Trace record_trace(const Transformer& model, std::vector<Token> tokens, std::string text,
                   const TraceOptions& options = {});
/// Tokens for bare ids: piece "#17".
std::vector<Token> tokens_of_ids(std::span<const std::int64_t> ids);

/// Tensors named "blocks.{l}.attn.q" ...; config, tokens and text in the metadata. load checks all.
void save_trace(const Trace& trace, const std::filesystem::path& path);
Trace load_trace(const std::filesystem::path& path);

/// Pattern rows [row_begin, row_end) of one head, fp32 [rows, T], exact (see attention_pattern).
/// Throws when layer, head or rows are out of range, naming the range there is.
Tensor pattern_rows(const Trace& trace, std::int64_t layer, std::int64_t head,
                    std::int64_t row_begin, std::int64_t row_end);
/// Query row `query` of every head of a layer: fp32 [n_heads, T].
Tensor query_rows(const Trace& trace, std::int64_t layer, std::int64_t query);
/// Mean of the rows over heads, fp32 [T]: the average of heads, not a single head.
Tensor average_of_heads(const Tensor& rows);

/// The vector that each head adds to the residual stream at token `query`: z_h W_O^h, fp32
/// [n_heads, d_model]. Their sum plus b_O is the block's attention output.
Tensor head_contributions(const Transformer& model, const Trace& trace, std::int64_t layer,
                          std::int64_t query);

/// One head's whole pattern averaged down to at most `size` x `size` cells, fp32; each cell is the
/// attention mass a block of queries gives a block of keys, per query.
Tensor pattern_thumbnail(const Trace& trace, std::int64_t layer, std::int64_t head,
                         std::int64_t size);

/// Entropy in nats of each row of `rows` [n, T]; a dead row has 0.
std::vector<double> row_entropies(const Tensor& rows);

}  // namespace headlight
