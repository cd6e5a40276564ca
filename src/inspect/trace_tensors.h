// The tensors of a traced layer, declared once: recording, saving and loading visit this list. And
// the parts of recording, for those who run the model in their own way.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/shape.h"
#include "inspect/trace.h"
#include "model/config.h"

namespace headlight {

/// Calls visit(name, tensor, shape) for each; `name` is what follows "blocks.{l}." and `shape` what
/// the configuration and `length` tokens make it.
template <class Layer, class Visit>
void visit_tensors(Layer& layer, const ModelConfig& c, std::int64_t length, const Visit& visit) {
  visit("attn.q", layer.q, Shape({length, c.n_heads, c.head_dim}));
  visit("attn.k", layer.k, Shape({length, c.n_kv_heads, c.head_dim}));
  visit("attn.v", layer.v, Shape({length, c.n_kv_heads, c.head_dim}));
  visit("attn.z", layer.z, Shape({length, c.n_heads, c.head_dim}));
  visit("attn.lse", layer.lse, Shape({c.n_heads, length}));
  visit("attn.out", layer.out, Shape({length, c.d_model}));
  visit("resid_pre", layer.resid_pre, Shape({length, c.d_model}));
  visit("resid_post", layer.resid_post, Shape({length, c.d_model}));
}

/// "blocks.3.attn.q"
inline std::string traced_name(std::size_t layer, std::string_view name) {
  return fmt::format("blocks.{}.{}", layer, name);
}

/// [T, H, D] seen as [1, T, H, D].
inline TensorView batch_of_one(const Tensor& t) {
  return {t.view().data(), t.dtype(), {1, t.dim(0), t.dim(1), t.dim(2)}};
}

/// A trace of these tokens in which no layer is recorded yet.
Trace unrecorded_trace(const Transformer& model, std::vector<Token> tokens, std::string text);
/// Token types as the model takes them; empty for families without them.
std::vector<std::int64_t> token_types(const Trace& trace);
/// The layer, checked to be there.
const TracedLayer& traced_layer(const Trace& trace, std::int64_t layer);
/// Throws, naming the range, when there is no such head.
void check_head(const Trace& trace, std::int64_t head);
/// A contiguous copy of an fp32 view of rank 2 or 3 with any strides.
Tensor contiguous_copy(TensorView from);
/// What an observer does to keep an activation; one that a trace does not hold is passed over.
void keep_in_trace(Trace& trace, const Recorded& recorded);

}  // namespace headlight
