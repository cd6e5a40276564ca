#include "model/multi_head_attention_check.h"

#include <algorithm>
#include <string_view>

#include "core/error.h"

namespace headlight {
namespace {

constexpr std::string_view kOp = "layer";

void check_activation(std::string_view name, TensorView view, std::int64_t width) {
  check(view || view.rank() > 0, kOp, "{} is not given; it must be [batch, length, {}]", name,
        width);
  check(view && view.rank() == 3 && view.dim(2) == width, kOp,
        "{} {} does not fit the layer; it must be [batch, length, {}]", name, view.shape(), width);
  check(is_weight_type(view.dtype()), kOp, "{} {} is {}; it must be f32, bf16 or f16", name,
        view.shape(), name_of(view.dtype()));
  check((width == 1 || view.stride(2) == 1) && (view.dim(1) <= 1 || view.stride(1) >= width) &&
            (view.dim(0) <= 1 || view.stride(0) >= width),
        kOp, "{} {} has strides {}; rows must be contiguous and not overlap", name, view.shape(),
        view.strides());
}

/// What a backward pass reads and writes.
void check_f32(std::string_view name, TensorView view) {
  check(!view || view.dtype() == DType::f32, kOp, "{} {} is {}; gradients are computed in f32",
        name, view.shape(), name_of(view.dtype()));
}

void check_inputs(const MultiHeadAttentionConfig& c, const LayerInputs& in) {
  check_activation("query", in.query, c.d_model);
  check_activation("key", in.key, c.d_key);
  check_activation("value", in.value, c.d_value);
  check(in.key.dim(0) == in.query.dim(0) && in.value.dim(0) == in.query.dim(0), kOp,
        "query {}, key {} and value {} must be of one batch", in.query.shape(), in.key.shape(),
        in.value.shape());
  check(in.key.dim(1) == in.value.dim(1), kOp, "key {} and value {} differ in length",
        in.key.shape(), in.value.shape());
  const DType dtype = in.query.dtype();
  check(in.key.dtype() == dtype && in.value.dtype() == dtype, kOp,
        "query is {}, key {} and value {}; store them alike", name_of(dtype),
        name_of(in.key.dtype()), name_of(in.value.dtype()));
}

/// out, or its gradient.
void check_out(std::string_view name, const MultiHeadAttentionConfig& c, const LayerInputs& in,
               TensorView out) {
  check_activation(name, out, c.d_out);
  check(out.dim(0) == in.query.dim(0) && out.dim(1) == in.query.dim(1), kOp,
        "{} {} does not fit query {}; batch and length must be the same", name, out.shape(),
        in.query.shape());
  check(out.dtype() == in.query.dtype() || out.dtype() == DType::f32, kOp,
        "{} {} is {} but query is {}; store it alike, or as f32", name, out.shape(),
        name_of(out.dtype()), name_of(in.query.dtype()));
}

void check_pairs(std::string_view name, TensorView view, const Shape& scores) {
  if (!view) return;
  const std::size_t rank = view.rank();
  bool fits = 1 <= rank && rank <= 4;
  for (std::size_t d = 0; fits && d < rank; ++d)
    fits = view.dim(d) == 1 || view.dim(d) == scores[4 - rank + d];
  check(fits, kOp,
        "{} {} does not fit [batch, n_heads, q_len, keys] {}; an extent may be 1, and those in "
        "front may be left out",
        name, view.shape(), scores);
}

void check_masks(const MultiHeadAttentionConfig& c, const LayerInputs& in, const LayerCache& cache,
                 const LayerOptions& o) {
  const std::int64_t seen = std::max<std::int64_t>(cache.longest() - c.added_keys(), 0);
  const Shape scores{in.query.dim(0), c.n_heads, in.query.dim(1), seen + in.key.dim(1)};
  check_pairs("mask", o.mask, scores);
  check(!o.mask || o.mask.dtype() == DType::boolean || o.mask.dtype() == DType::u8, kOp,
        "mask {} is {}; it must be bool or u8 (true = may attend), additive ones go in bias",
        o.mask.shape(), name_of(o.mask.dtype()));
  check_pairs("bias", o.bias, scores);
  check(!o.bias || o.bias.dtype() == DType::f32, kOp, "bias {} is {}; it must be f32",
        o.bias.shape(), name_of(o.bias.dtype()));
  if (o.key_lengths.empty()) return;
  check(!cache, kOp, "key_lengths with a cache: hide the padding with a mask");
  check(std::ssize(o.key_lengths) == in.key.dim(0), kOp,
        "{} key_lengths for key {}; give one for each batch entry", o.key_lengths.size(),
        in.key.shape());
  for (const std::int64_t length : o.key_lengths)
    check(0 <= length && length <= in.key.dim(1), kOp, "key_lengths holds {}; key {} has {} keys",
          length, in.key.shape(), in.key.dim(1));
}

void check_offsets(std::string_view name, std::span<const std::int64_t> offsets,
                   TensorView packed) {
  check(offsets.size() >= 2 && offsets.front() == 0 && offsets.back() == packed.dim(1), kOp,
        "{} must run from 0 to the {} tokens of {}", name, packed.dim(1), packed.shape());
  for (std::size_t s = 1; s < offsets.size(); ++s)
    check(offsets[s - 1] <= offsets[s], kOp, "{} falls from {} to {} at {}", name, offsets[s - 1],
          offsets[s], s);
}

void check_packing(const LayerInputs& in, const LayerCache& cache, const LayerOptions& o) {
  if (o.cu_seqlens.empty()) {
    check(o.cu_seqlens_key.empty(), kOp, "cu_seqlens_key was given without cu_seqlens");
    return;
  }
  check(in.query.dim(0) == 1, kOp, "cu_seqlens packs sequences into one batch entry; query is {}",
        in.query.shape());
  check(!o.mask && !o.bias && o.key_lengths.empty() && !cache.whole(), kOp,
        "cu_seqlens does not go with a mask, bias, key_lengths or a contiguous cache");
  check(!cache || o.cu_seqlens_key.empty(), kOp,
        "cu_seqlens_key with a cache: its new keys are those of the queries");
  const auto key = o.cu_seqlens_key.empty() ? o.cu_seqlens : o.cu_seqlens_key;
  check_offsets("cu_seqlens", o.cu_seqlens, in.query);
  if (o.cache_only) return;
  check_offsets("cu_seqlens_key", key, in.key);
  check(key.size() == o.cu_seqlens.size(), kOp,
        "cu_seqlens has {} sequences, cu_seqlens_key {}; queries and keys need the same",
        o.cu_seqlens.size() - 1, key.size() - 1);
}

/// Where the keys that join a cache come from.
std::string_view new_keys(const LayerInputs& in) {
  return in.key.data() == in.query.data() ? "query" : "key";
}

void check_whole_cache(const MultiHeadAttentionConfig& c, const LayerInputs& in,
                       const KvCache& cache) {
  const KvCacheShape& s = cache.shape();
  check(s.batch == in.query.dim(0) && s.n_kv_heads == c.n_kv_heads && s.head_dim == c.head_dim &&
            s.head_dim_v == c.head_dim_v && cache.length() >= c.added_keys(),
        kOp,
        "the cache (batch {}, n_kv_heads {}, head_dim {}, head_dim_v {}) is not one of this layer "
        "(n_kv_heads {}, head_dim {}, head_dim_v {}) for query {}; use make_cache()",
        s.batch, s.n_kv_heads, s.head_dim, s.head_dim_v, c.n_kv_heads, c.head_dim, c.head_dim_v,
        in.query.shape());
  check(in.key.dim(1) <= cache.room(), kOp, "{} {} does not fit the cache: {} of {} keys are taken",
        new_keys(in), in.key.shape(), cache.length(), s.capacity);
}

/// The sequences of a paged call, and the pages that it will take.
void check_sequences(const MultiHeadAttentionConfig& c, const LayerInputs& in,
                     const LayerCache& cache, const LayerOptions& o) {
  const std::span<const std::int64_t> ids = cache.sequences();
  const bool packed = !o.cu_seqlens.empty();
  const std::int64_t given = packed ? std::ssize(o.cu_seqlens) - 1 : in.query.dim(0);
  check(std::ssize(ids) == given, kOp, "{} sequences of the cache for the {} of query {}{}",
        ids.size(), given, in.query.shape(), packed ? " and its cu_seqlens" : "");
  std::int64_t pages = 0;
  for (std::int64_t s = 0; s < given; ++s) {
    const auto at = static_cast<std::size_t>(s);
    check(std::ranges::count(ids, ids[at]) == 1, kOp,
          "sequence {} of the cache is named twice; its tokens follow each other in one entry",
          ids[at]);
    const std::int64_t held = cache.length(s), added = held == 0 ? c.added_keys() : 0;
    check(held == 0 || held >= c.added_keys(), kOp,
          "sequence {} holds {} keys but the layer adds {}; give forward() an empty one", ids[at],
          held, c.added_keys());
    const std::int64_t more = packed ? o.cu_seqlens[at + 1] - o.cu_seqlens[at] : in.key.dim(1);
    pages += cache.pages()->more_pages(ids[at], added + more);
  }
  if (o.cache_only) return;
  check(pages <= cache.pages()->free_pages(), kOp,
        "{} {} takes {} more pages of the cache; {} of {} are free: end or truncate a sequence",
        new_keys(in), in.key.shape(), pages, cache.pages()->free_pages(),
        cache.pages()->shape().pages);
}

void check_cache(const MultiHeadAttentionConfig& c, const LayerInputs& in, const LayerCache& cache,
                 const LayerOptions& o) {
  if (cache.whole()) check_whole_cache(c, in, *cache.whole());
  if (!cache.pages()) return;
  const PagedKvCacheShape& s = cache.pages()->shape();
  check(s.n_kv_heads == c.n_kv_heads && s.head_dim == c.head_dim && s.head_dim_v == c.head_dim_v,
        kOp,
        "the cache (n_kv_heads {}, head_dim {}, head_dim_v {}) is not one of this layer "
        "(n_kv_heads {}, head_dim {}, head_dim_v {}); use make_paged_cache()",
        s.n_kv_heads, s.head_dim, s.head_dim_v, c.n_kv_heads, c.head_dim, c.head_dim_v);
  check_sequences(c, in, cache, o);
}

void check_output(std::string_view name, MutableTensorView view, const Shape& expected,
                  bool contiguous) {
  if (!view) return;
  check(view.shape() == expected && view.dtype() == DType::f32, kOp,
        "{} is {} {}; it must be f32 {}", name, name_of(view.dtype()), view.shape(), expected);
  check(!contiguous || view.contiguous(), kOp, "{} {} has strides {}; it must be contiguous", name,
        view.shape(), view.strides());
}

void check_requests(const MultiHeadAttentionConfig& c, const LayerInputs& in,
                    const LayerOptions& o) {
  const std::int64_t batch = in.query.dim(0), length = in.query.dim(1);
  check_output("lse", o.requests.lse, {batch, c.n_heads, length}, false);
  check_output("z", o.requests.z, {batch, length, c.n_heads, c.head_dim_v}, true);
  check_output("head_out", o.requests.head_out, {batch, length, c.n_heads, c.d_out}, true);
  const std::int64_t entries = o.cu_seqlens.empty() ? batch : std::ssize(o.cu_seqlens) - 1;
  for (const PatternRequest& r : o.requests.patterns)
    check(0 <= r.batch && r.batch < entries, kOp,
          "a pattern of batch entry {} was asked for; there are {}", r.batch, entries);
}

void check_gates(const MultiHeadAttentionConfig& c, const LayerOptions& o) {
  check(o.head_gate.empty() || std::ssize(o.head_gate) == c.n_heads, kOp,
        "head_gate has {} values but the layer has {} heads", o.head_gate.size(), c.n_heads);
}

void check_like_input(std::string_view name, MutableTensorView d, std::string_view input,
                      TensorView named, TensorView filled_in) {
  if (!d) return;
  check(bool(named), kOp, "{} is asked for but {} was not given; its gradient is part of d_query",
        name, input);
  check(d.shape() == filled_in.shape(), kOp, "{} {} does not fit {} {}", name, d.shape(), input,
        filled_in.shape());
  check_activation(name, d, filled_in.dim(2));
  check_f32(name, d);
}

void check_gradient_sums(const MultiHeadAttentionConfig& c, const LayerGradients& g,
                         const LayerOptions& o) {
  for (std::size_t i = 0; i < kAttentionWeights; ++i) {
    const auto which = static_cast<AttentionWeight>(i);
    if (!g.d_weights[i]) continue;
    const auto shape = weight_shape(c, which);
    check(shape.has_value(), kOp, "the gradient of {} is asked for but the layer has none",
          name_of(which));
    check_output(fmt::format("the gradient of {}", name_of(which)), g.d_weights[i], *shape, true);
  }
  check(!g.d_bias || o.bias, kOp, "d_bias is asked for but no bias is given");
  if (g.d_bias) check_output("d_bias", g.d_bias, o.bias.shape(), true);
  const auto per_head = [&](std::string_view name, std::span<const float> d, bool has_input) {
    check(d.empty() || has_input, kOp, "{} is asked for but the call has no such input", name);
    check(d.empty() || std::ssize(d) == c.n_heads, kOp, "{} has {} values for {} heads", name,
          d.size(), c.n_heads);
  };
  per_head("d_head_gate", g.d_head_gate, !o.head_gate.empty());
  per_head("d_alibi_slopes", g.d_alibi_slopes, c.alibi);
}

}  // namespace

void check_layer_backward(const MultiHeadAttentionConfig& config, const LayerBackwardCall& call,
                          const LayerGradients& g, const LayerOptions& options) {
  const LayerInputs& in = call.inputs;
  check_inputs(config, in);
  check(call.recorded_query.rank() != 0, kOp,
        "the record is empty; give it to forward() in LayerOptions");
  check(in.query.shape() == call.recorded_query && in.key.shape() == call.recorded_key, kOp,
        "query {} and key {} are not those of the record, {} and {}", in.query.shape(),
        in.key.shape(), call.recorded_query, call.recorded_key);
  check_out("d_out", config, in, g.d_out);
  check_like_input("d_query", g.d_query, "query", call.named.query, in.query);
  check_like_input("d_key", g.d_key, "key", call.named.key, in.key);
  check_like_input("d_value", g.d_value, "value", call.named.value, in.value);
  check_packing(in, LayerCache(), options);
  check_masks(config, in, LayerCache(), options);
  check_gradient_sums(config, g, options);
  check_gates(config, options);
}

void check_layer_append(const MultiHeadAttentionConfig& config, const LayerInputs& inputs,
                        const LayerCache& cache) {
  check_inputs(config, inputs);
  check_cache(config, inputs, cache, {});
}

void check_layer_call(const MultiHeadAttentionConfig& config, const LayerInputs& inputs,
                      const LayerCache& cache, MutableTensorView out, const LayerOptions& options) {
  check_inputs(config, inputs);
  check_out("out", config, inputs, out);
  check_packing(inputs, cache, options);
  check_cache(config, inputs, cache, options);
  check(!options.cache_only || cache, kOp, "cache_only without a cache");
  check(!options.cache_only || !config.rotary, kOp,
        "cache_only with rotary positions: queries over a memory have none");
  check_masks(config, inputs, cache, options);
  check_requests(config, inputs, options);
  check(!options.record || !cache, kOp, "a record with a cache: train on whole sequences");
  check_gates(config, options);
}

}  // namespace headlight
