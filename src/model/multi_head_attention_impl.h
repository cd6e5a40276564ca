// What a layer owns: shared by the files that implement it.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/function_ref.h"
#include "kernels/matmul/matmul.h"
#include "model/layer_cache.h"
#include "model/layer_sequences.h"
#include "model/multi_head_attention.h"

namespace headlight {

/// Memory that grows to the largest call and is then reused.
template <class T>
class GrowingBuffer {
 public:
  /// Room for n elements; what it held is lost when it grows.
  T* reserve(std::int64_t n) {
    if (!storage_ || storage_.numel() < n) {
      const std::int64_t half_more = storage_ ? storage_.numel() + storage_.numel() / 2 : 0;
      storage_ = {};
      storage_ = Tensor(kDTypeOf<T>, {std::max(n, half_more)});
    }
    return storage_.span<T>().data();
  }

 private:
  Tensor storage_;
};

/// q, k and v (in rows of q where all come from one input), and z.
struct LayerActivations {
  GrowingBuffer<float> q, kv, z;
};

struct LayerWorkspace {
  LayerActivations activations;
  LayerActivations gradients;
  GrowingBuffer<float> bias, d_bias;
  std::array<GrowingBuffer<float>, 3> wide;  // 16-bit query, key and value in fp32
  GrowingBuffer<float> wide_out, wide_matrix;
  GrowingBuffer<std::uint8_t> mask;
  std::vector<std::int64_t> positions;  // 0, 1, 2, ... as far as `rope` goes
  std::vector<std::int64_t> lengths;    // of a cache's entries before the call
  RopeTable rope;
};

struct LayerRecord::Impl {
  LayerActivations activations;
  GrowingBuffer<float> lse;
  GrowingBuffer<float> q_before_norm, k_before_norm;  // rows without gap; only with QK-norm
  LayerHeads heads;                                   // in `activations`
  Shape query, key;                                   // of the inputs; rank 0: nothing recorded

  MutableTensorView lse_view(std::int64_t n_heads) {
    const Shape shape{query[0], n_heads, query[1]};
    return {lse.reserve(shape.numel()), shape};
  }
};

/// A set of the input projections that one product computes.
enum InputPart : unsigned { kQuery = 1, kKey = 2, kValue = 4 };

struct MultiHeadAttention::Impl {
  MultiHeadAttentionConfig config;
  std::array<Tensor, kAttentionWeights> weights;
  std::vector<float> alibi_slopes;  // [H], or empty
  LayerWorkspace workspace;

  /// The product of `parts` (a union of InputPart, whose inputs are as wide), packed at first use:
  /// rows of q, then k, then v.
  const Linear& input_projection(unsigned parts);
  const Linear& output_projection();
  /// W_o^h alone, without b_o.
  const Linear& head_projection(std::int64_t head);
  /// body(k [n_kv_heads, head_dim], v [n_kv_heads, head_dim_v]) for each added key, in order.
  void for_each_added_key(FunctionRef<void(const float*, const float*)> body) const;
  /// Runs what appends to a cache, which it leaves as it was when it throws.
  void run_or_undo(const LayerCache& cache, FunctionRef<void()> run);
  /// After a weight changed.
  void forget_packed();
  /// Lets go of w_q, w_k, w_v and w_o. Throws when no call has packed them.
  void release_plain();
  bool has_plain() const { return bool(weights[static_cast<std::size_t>(AttentionWeight::w_o)]); }
  /// Throws when the plain matrices that `what` needs were released.
  void check_plain(std::string_view what) const;

  TensorView weight(AttentionWeight which) const {
    const Tensor& stored = weights[static_cast<std::size_t>(which)];
    return stored ? stored.view() : TensorView();
  }
  std::span<const float> values(AttentionWeight which) const {
    const Tensor& stored = weights[static_cast<std::size_t>(which)];
    return stored ? stored.span<float>() : std::span<const float>();
  }

 private:
  std::array<Linear, 8> inputs_;  // by set of parts
  Linear output_;
  std::vector<Linear> heads_;
};

/// One forward call over checked weights: what MultiHeadAttention::forward does.
AttentionReport run_layer(MultiHeadAttention::Impl& layer, const LayerInputs& inputs,
                          const LayerCache& cache, MutableTensorView out,
                          const LayerOptions& options);

/// What MultiHeadAttention::append_keys does; `value` may be empty.
void append_layer_keys(MultiHeadAttention::Impl& layer, TensorView key, TensorView value,
                       const LayerCache& cache);

/// What MultiHeadAttention::backward does.
AttentionReport run_layer_backward(MultiHeadAttention::Impl& layer, const LayerInputs& inputs,
                                   LayerRecord::Impl& record, const LayerGradients& gradients,
                                   const LayerOptions& options);

}  // namespace headlight
