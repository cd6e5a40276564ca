// The multi-head attention layer: projections, attention and W_O, in one call.
//
//   q = x W_q + b_q     k = key W_k + b_k     v = value W_v + b_v      split into heads
//   out = concat(z_1 ... z_H) W_o + b_o        z_h as kernels/attention/attention.h computes it
// (Vaswani et al. 2017, section 3.2.2.)
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>

#include "core/tensor.h"
#include "kernels/attention/attention.h"
#include "kernels/attention/statistics.h"
#include "kernels/gradient_mode.h"
#include "model/attention_config.h"
#include "model/kv_cache.h"
#include "model/paged_kv_cache.h"

namespace headlight {

/// Whose tensor names a file uses. All follow a prefix that the caller gives ("model.layers.0.").
enum class WeightNames : std::uint8_t {
  torch,  ///< nn.MultiheadAttention: in_proj_weight, out_proj.weight, bias_k ...
  llama,  ///< Hugging Face's decoders: q_proj.weight ... o_proj.weight, q_norm.weight, sinks
  bert,   ///< Hugging Face's BERT: self.query.weight ... output.dense.weight
  gpt2,  ///< Hugging Face's GPT-2: c_attn.weight, which stacks q, k and v, c_proj.weight: [in, out]
  phi3   ///< Hugging Face's Phi-3: qkv_proj.weight, which stacks q, k and v, o_proj.weight
};

/// What a call reads: f32, bf16 or f16, all alike, inner stride 1. Between input and output all is
/// fp32.
struct LayerInputs {
  TensorView query;       ///< [B, Tq, d_model]
  TensorView key = {};    ///< [B, Tkv, d_key]; not given: the query (self attention)
  TensorView value = {};  ///< [B, Tkv, d_value]; not given: the key
};

/// Whole rows of one head's pattern, on request.
struct PatternRequest {
  std::int64_t batch = 0;  ///< batch entry, or sequence of a packed call
  std::int64_t head = 0;
  std::int64_t row_begin = 0, row_end = 0;
  /// Contiguous fp32 [row_end - row_begin, keys]; keys counts the layer's added keys, which come
  /// first, and the cache's.
  MutableTensorView out = {};
};

/// What a call may hand out besides its output. A view that is not given is not computed.
struct LayerRequests {
  MutableTensorView lse = {};       ///< fp32 [B, H, Tq]
  MutableTensorView z = {};         ///< contiguous fp32 [B, Tq, H, Dv], after the head gate
  MutableTensorView head_out = {};  ///< contiguous fp32 [B, Tq, H, d_out]: z_h W_o^h, without b_o
  std::span<const PatternRequest> patterns = {};
  /// Reductions of the patterns, and chosen rows, from the tiles that the call computes anyway. Its
  /// keys count the added ones, which come first, and the cache's. With cu_seqlens a query is a
  /// token of the packed row and keys count within its sequence: offsets and top_keys are relative
  /// to that, pattern [1, N, queries, keys of the longest] is 0 past a sequence's own keys, and
  /// column_mass [1, N, keys of all] has the sequences behind each other.
  const AttentionStatistics* statistics = nullptr;
};

/// What a forward call keeps for MultiHeadAttention::backward: q, k, v, z and lse, O(T). Its memory
/// grows to the longest call and is then reused; one record belongs to one call at a time.
class LayerRecord {
 public:
  LayerRecord();
  ~LayerRecord();
  LayerRecord(LayerRecord&&) noexcept;
  LayerRecord& operator=(LayerRecord&&) noexcept;

  struct Impl;
  Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

struct LayerOptions {
  /// bool or u8, true = may attend, and fp32, added to the scores: [B, H, Tq, keys] or broadcast as
  /// NumPy does (extents of 1, and those in front left out: [Tq, keys], [keys]). keys: the
  /// sequence's own (with a cache: all in it after this call), without the added ones.
  TensorView mask = {};
  TensorView bias = {};
  std::span<const float> head_gate = {};  ///< [H], each in [0, 1]
  /// [B]: how many keys of each batch entry count; the rest is padding.
  std::span<const std::int64_t> key_lengths = {};
  /// Packed sequences: B = 1 and sequence s is tokens [cu_seqlens[s], cu_seqlens[s + 1]), from 0 to
  /// T. None sees another, and no work is done for padding. Not with mask, bias, key_lengths or a
  /// contiguous cache.
  std::span<const std::int64_t> cu_seqlens = {};
  std::span<const std::int64_t> cu_seqlens_key = {};  ///< of key and value; empty: cu_seqlens
  Dropout dropout = {};  ///< on the pattern; of sequence s of a packed call as of batch entry s
  /// With a cache: queries see what is in it, and nothing is appended. So a decoder's queries meet
  /// an encoder's output, whose keys and values append_keys() computed once. Not with rotary
  /// positions, which such queries have none of.
  bool cache_only = false;
  LayerRequests requests = {};
  LayerRecord* record = nullptr;  ///< filled for backward(); not with a cache
  std::string_view kernel = {};   ///< forces an attention kernel by name
};

/// Where the gradients of a call come from and go. A view that is not given is not computed. All
/// fp32, whatever inputs and weights are stored as.
struct LayerGradients {
  TensorView d_out = {};  ///< [B, Tq, d_out], given, inner stride 1; of the inputs' dtype or fp32
  /// Of the inputs, in their shapes, inner stride 1; overwritten whatever `mode` says. An input
  /// that the call did not name shares the gradient of the one that stood in for it: d_query of
  /// self attention is that of x.
  MutableTensorView d_query = {}, d_key = {}, d_value = {};
  /// Of the weights, contiguous, by AttentionWeight, in the shapes that weight_shape() gives.
  std::array<MutableTensorView, kAttentionWeights> d_weights = {};
  MutableTensorView d_bias = {};         ///< contiguous, LayerOptions::bias's shape
  std::span<float> d_head_gate = {};     ///< [H]; right at a gate of 0, too
  std::span<float> d_alibi_slopes = {};  ///< [H]
  /// add: to d_weights, d_bias, d_head_gate and d_alibi_slopes, for micro-batches.
  GradientMode mode = GradientMode::overwrite;
};

/// A multi-head attention layer that computes in fp32 and may store its weights in 16 bits. Keeps
/// its weights and packed copies of them, and buffers that grow to the longest call and are then
/// reused. One call at a time.
class MultiHeadAttention {
 public:
  /// Weights are drawn uniformly (Glorot & Bengio 2010) from `seed`, the rest (biases and sinks
  /// zero, norms one) is neutral; the same on every machine. Throws Error("layer", ...) as
  /// resolved() does.
  explicit MultiHeadAttention(const MultiHeadAttentionConfig& config, std::uint64_t seed = 0);
  ~MultiHeadAttention();
  MultiHeadAttention(MultiHeadAttention&&) noexcept;
  MultiHeadAttention& operator=(MultiHeadAttention&&) noexcept;

  /// Reads a safetensors file, or a folder that holds model.safetensors or an index of shards.
  /// Throws, naming file and tensor, when one is missing, has another shape, holds NaN or infinity,
  /// or is there though the configuration has no place for it.
  static MultiHeadAttention load(const std::filesystem::path& path,
                                 const MultiHeadAttentionConfig& config,
                                 WeightNames names = WeightNames::torch,
                                 std::string_view prefix = "");
  /// Writes a safetensors file, matrices in weight_dtype and the rest in fp32. Throws when `names`
  /// have no place for one of the weights.
  void save(const std::filesystem::path& path, WeightNames names = WeightNames::torch,
            std::string_view prefix = "") const;

  /// With every width filled in.
  const MultiHeadAttentionConfig& config() const;
  /// Contiguous; matrices in weight_dtype, the rest fp32; empty when the layer has no such weight.
  /// Valid until it is set again.
  TensorView weight(AttentionWeight weight) const;
  /// Copies; contiguous, fp32, bf16 or fp16, of the shape that weight_shape() gives. Matrices are
  /// rounded to weight_dtype.
  void set_weight(AttentionWeight weight, TensorView value);
  /// For inference: keeps the matrices only as the calls so far have packed them, which halves the
  /// layer's memory. From then on such calls go on as before, weight() of a matrix is empty, and
  /// what needs the plain ones throws: set_weight(), save(), backward(), head_out, and calls whose
  /// inputs share projections in a way that no call before did.
  void release_plain_weights();

  /// [n_heads], or empty without alibi.
  std::span<const float> alibi_slopes() const;
  /// Learned ones, for instance: backward() gives their gradient. No names have a place for them.
  void set_alibi_slopes(std::span<const float> slopes);

  /// out [B, Tq, d_out], of x's dtype or fp32, inner stride 1, = the layer of x (self attention).
  /// No allocation after the first call of one shape. Returns what ran.
  AttentionReport forward(TensorView x, MutableTensorView out, const LayerOptions& options = {});
  /// The same with keys and values from elsewhere (cross attention).
  AttentionReport forward(const LayerInputs& inputs, MutableTensorView out,
                          const LayerOptions& options = {});
  /// The same for the next Tq tokens of the sequences in `cache`, which grows by their keys and
  /// values: queries see all of it, as causal and window allow. A call that throws leaves the cache
  /// as it was.
  AttentionReport forward(TensorView x, KvCache& cache, MutableTensorView out,
                          const LayerOptions& options = {});
  /// The same for the next tokens of the cache's sequences `sequences`, each named once, whatever
  /// number of keys each has: x [B, Tq, d_model] holds Tq of each or, with cu_seqlens, x [1, T,
  /// d_model] any number of each. A sequence that is still empty gets the layer's added keys first.
  /// A mask or bias reaches over the keys of the longest.
  AttentionReport forward(TensorView x, PagedKvCache& cache,
                          std::span<const std::int64_t> sequences, MutableTensorView out,
                          const LayerOptions& options = {});
  /// Appends the keys and values of key [B, T, d_key] and value [B, T, d_value] (not given: the
  /// key) to `cache`, or to the cache's sequences `sequences`, and attends to nothing: for queries
  /// that come later, with LayerOptions::cache_only. A call that throws leaves the cache as it was.
  void append_keys(TensorView key, TensorView value, KvCache& cache);
  void append_keys(TensorView key, TensorView value, PagedKvCache& cache,
                   std::span<const std::int64_t> sequences);
  /// Gradients of the forward call that filled `record`, with the same inputs and options (requests
  /// and kernel aside) and unchanged weights. The pattern is computed again from lse, so memory
  /// stays O(T) but for d_bias. Bitwise the same at a given number of threads. Returns what ran.
  /// Throws Error("layer", ...) naming both shapes when something does not fit the record.
  AttentionReport backward(const LayerInputs& inputs, const LayerRecord& record,
                           const LayerGradients& gradients, const LayerOptions& options = {});
  /// The same for self attention.
  AttentionReport backward(TensorView x, const LayerRecord& record, const LayerGradients& gradients,
                           const LayerOptions& options = {});
  /// A cache for this layer with room for `capacity` tokens; its added keys are in it already.
  /// They are stored as `dtype`: f32, bf16, f16 or i8.
  KvCache make_cache(std::int64_t batch, std::int64_t capacity, DType dtype = DType::f32) const;
  /// A paged cache for this layer: `pages` of `page_len` keys, shared by all its sequences. A
  /// sequence's added keys take room in its first page.
  PagedKvCache make_paged_cache(std::int64_t pages, std::int64_t page_len = 64,
                                DType dtype = DType::f32) const;

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace headlight
