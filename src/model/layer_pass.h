// How the sequences of one call lie in a layer's buffers, and what attention is given of them: what
// the forward and the backward pass share.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>

#include "model/layer_cache.h"
#include "model/layer_masks.h"
#include "model/layer_sequences.h"
#include "model/multi_head_attention_impl.h"

namespace headlight {

/// About 60 microseconds of one core: below that, waking threads costs more than they take over.
inline constexpr double kSerialFlops = 12e6;

/// The batch entries, or the one sequence, that one call of attention covers.
struct LayerPart {
  std::int64_t first = 0;  ///< batch entry or sequence
  bool whole = true;       ///< all batch entries at once
  std::int64_t q_len = 0;  ///< of this sequence
  std::int64_t keys = 0;   ///< of this sequence, added ones and those of a cache included
};

class LayerPass {
 public:
  /// `inputs` with every view filled in. A pass is over before any of its arguments.
  LayerPass(MultiHeadAttention::Impl& layer, const LayerInputs& inputs, const LayerCache& cache,
            const LayerOptions& options);

 protected:
  /// Multiplications and additions of a forward pass, about, with those that fit into the time that
  /// reading the weights takes.
  double flops() const;
  /// Keys that stand in the buffer before a sequence's own; in a cache they are there already.
  std::int64_t gap() const { return cache_ ? 0 : c_.added_keys(); }
  /// Whether key and value read one input; whether q, k and v read one and lie in common rows.
  bool shared() const { return in_.value.data() == in_.key.data() && c_.d_value == c_.d_key; }
  bool fused() const;

  /// q, k, v and z of this call in `memory`.
  LayerHeads place(LayerActivations& memory) const;
  /// The same with rows of q, k and v that touch each other: as left operands of products they are
  /// read by columns, and columns of wide rows share sets of the cache.
  LayerHeads place_apart(LayerActivations& memory) const;
  /// Every sequence's added keys.
  template <class Body>
  void for_each_gap(const Body& body) const {
    for (std::int64_t s = 0; gap() > 0 && s < keys_.count; ++s) body(s);
  }

  /// Keys of a sequence that the cache held before this call, without the added ones: where its
  /// first new token stands.
  std::int64_t seen(std::int64_t s) const {
    return std::max<std::int64_t>(cache_.length(s) - c_.added_keys(), 0);
  }
  /// The rotations of all positions in the call.
  void reserve_rotations();
  /// Of tokens [begin, end) of a sequence; before they are in the cache.
  std::span<const std::int64_t> positions(std::int64_t s, std::int64_t begin,
                                          std::int64_t end) const {
    return std::span(m_.workspace.positions)
        .subspan(static_cast<std::size_t>(seen(s) + begin), static_cast<std::size_t>(end - begin));
  }

  /// The calls of attention that make up this one.
  bool one_by_one() const;
  /// What the mask of a part has to say of positions, because causal and window would hide the
  /// added keys, which stand in front, from the first of its queries: there are more of them than
  /// keys.
  std::optional<LayerKeys::Positions> masked_positions(const LayerPart& part) const;
  LayerPart whole() const { return {}; }
  LayerPart part(std::int64_t s) const;
  template <class Body>
  void for_each_part(const Body& body) const {
    if (!one_by_one()) return body(whole());
    for (std::int64_t s = 0; s < queries_.count; ++s) body(part(s));
  }
  MutableTensorView query_view(const LayerRows& rows, const LayerPart& part) const;
  MutableTensorView key_view(const LayerRows& rows, const LayerPart& part) const;
  /// [B, H, Tq] of a part.
  MutableTensorView lse_view(MutableTensorView lse, const LayerPart& part) const;
  /// Takes the keys and values of a cache, which does not change from here on.
  void read_cache() {
    if (cache_) cache_.give(cached_);
  }
  /// What attention reads and writes of a part. Uses the workspace's masks.
  AttentionTensors tensors(const LayerHeads& heads, MutableTensorView lse, const LayerPart& part);
  AttentionOptions attention_options(const LayerPart& part) const;

  /// The caller's queries, keys and values with nothing empty.
  MultiHeadAttention::Impl& m_;
  const MultiHeadAttentionConfig& c_;
  const LayerInputs& in_;
  LayerCache cache_;
  const LayerOptions& options_;
  LayerSequences queries_, keys_;

 private:
  AttentionTensors cached_;  ///< keys and values only

  bool can_shorten() const;
  void give_cached(AttentionTensors& t, const LayerPart& part) const;
  void add_masks(AttentionTensors& t, const LayerPart& part);
};

/// body(x rows [count, width], the rows of `rows` [count, n]) for stretches in which both lie
/// evenly in memory, in order: the whole call at once where it can be.
template <bool kMutable, class Body>
void for_even_rows(const BasicTensorView<kMutable>& x, const LayerSequences& sequences,
                   const LayerRows& rows, std::int64_t n, const Body& body) {
  auto* from = x.template as<float>();
  const auto both = [&](decltype(from) at, std::int64_t x_stride, float* row, std::int64_t count) {
    body(BasicTensorView<kMutable>(at, {count, x.dim(2)}, {x_stride, 1}),
         MutableTensorView(row, {count, n}, {rows.stride, 1}));
  };
  const std::int64_t token = x.dim(1) == 1 ? x.stride(0) : x.stride(1);
  const bool even = x.dim(0) == 1 || x.dim(1) == 1 || x.stride(0) == x.dim(1) * x.stride(1);
  if (even && rows.gap == 0) return both(from, token, rows.data, x.dim(0) * x.dim(1));
  for (std::int64_t s = 0; s < sequences.count; ++s) {
    auto* at =
        sequences.packed() ? from + sequences.begin(s) * x.stride(1) : from + s * x.stride(0);
    both(at, x.stride(1), rows.own(sequences, s), sequences.size(s));
  }
}

}  // namespace headlight
