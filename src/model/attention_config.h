// What a multi-head attention layer is made of, and the shapes of its weights.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/shape.h"
#include "kernels/attention/attention.h"
#include "kernels/rope/rope.h"
#include "kernels/rope/rope_scaling.h"

namespace headlight {

/// Rotary positions on q and k (Su et al. 2021): angular frequencies theta^(-2i / rotary_dim).
struct RotaryConfig {
  double theta = 10000;
  std::int64_t rotary_dim = 0;  ///< even, at most head_dim; 0: head_dim
  RopeLayout layout = RopeLayout::half_split;
  /// For texts longer than those of the training: every frequency divided by this, 1 or more ...
  double linear_factor = 1;
  std::optional<Llama3Scaling> llama3 = {};  ///< ... or as Llama 3.1 does
};

/// Which projections add a bias.
struct ProjectionBias {
  bool q = true, k = true, v = true, o = true;
};

/// A multi-head attention layer. Name what you use: {.d_model = 512, .n_heads = 8}. A width of 0
/// stands for the default that its comment gives; MultiHeadAttention::config() has them filled in.
struct MultiHeadAttentionConfig {
  std::int64_t d_model = 0;  ///< width of the queries' input
  std::int64_t n_heads = 1;
  std::int64_t n_kv_heads = 0;  ///< 0: n_heads. Divides n_heads (GQA: Ainslie et al. 2023)
  std::int64_t head_dim = 0;    ///< 0: d_model / n_heads
  std::int64_t head_dim_v = 0;  ///< 0: head_dim
  std::int64_t d_key = 0;       ///< width of the keys' input; 0: d_model
  std::int64_t d_value = 0;     ///< width of the values' input; 0: d_model
  std::int64_t d_out = 0;       ///< width of the output; 0: d_model
  ProjectionBias bias = {};
  /// A learned key and value that every query may see besides the sequence's own (PyTorch's bias_k
  /// and bias_v). Not rotated, not normed, never masked.
  bool added_key_value = false;
  bool zero_key_value = false;  ///< the same with a key and value of zeros (add_zero_attn)
  std::optional<RotaryConfig> rotary = {};
  /// RMSNorm with a learned weight [head_dim] on every head's q and k, before the rotation
  /// (Henry et al. 2020, as in Qwen3); the value is its epsilon.
  std::optional<float> qk_norm_eps = {};
  std::optional<float> scale = {};  ///< 1/sqrt(head_dim) unless given
  float softcap = 0;
  Causal causal = Causal::none;
  Window window = {};
  /// With the slopes of Press et al. 2022: 2^(-8 (h + 1) / n_heads) for a power of two of heads;
  /// else those of the next lower power, and every second one of twice as many.
  bool alibi = false;
  bool sinks = false;  ///< a learned logit for each head in the softmax's denominator
  /// How w_q, w_k, w_v and w_o are kept and read: f32, bf16 or f16. Sums and gradients are fp32 in
  /// any case; an optimiser keeps fp32 of its own, since small steps vanish in 16 bits.
  DType weight_dtype = DType::f32;

  std::int64_t q_width() const { return n_heads * head_dim; }
  std::int64_t k_width() const { return n_kv_heads * head_dim; }
  std::int64_t v_width() const { return n_kv_heads * head_dim_v; }
  std::int64_t z_width() const { return n_heads * head_dim_v; }
  /// Keys that stand before a sequence's own.
  std::int64_t added_keys() const { return (added_key_value ? 1 : 0) + (zero_key_value ? 1 : 0); }
};

/// Fills in the widths that are 0 and checks the whole. Throws Error("layer", ...) naming both
/// values, and the nearest divisors where one does not divide the other.
MultiHeadAttentionConfig resolved(MultiHeadAttentionConfig config);

/// [rotary_dim / 2] angular frequencies, radians a position, of a resolved configuration.
std::vector<double> rotary_frequencies(const RotaryConfig& rotary);

/// The tensors of a layer. w_*: [out, in], as in PyTorch's Linear.
enum class AttentionWeight : std::uint8_t {
  w_q,
  w_k,
  w_v,
  w_o,
  b_q,
  b_k,
  b_v,
  b_o,
  added_k,
  added_v,
  q_norm,
  k_norm,
  sinks
};
inline constexpr std::size_t kAttentionWeights = 13;

std::string_view name_of(AttentionWeight weight);
/// The shape of a weight under a resolved configuration; nothing when the layer has no such weight.
std::optional<Shape> weight_shape(const MultiHeadAttentionConfig& config, AttentionWeight weight);

}  // namespace headlight
