#include "model/attention_config.h"

#include <array>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "core/error.h"

namespace headlight {
namespace {

constexpr std::string_view kOp = "layer";
// Far beyond any model; keeps every product of two widths within 63 bits.
constexpr std::int64_t kMaxWidth = std::int64_t{1} << 24;

/// "nearest divisors are 4 and 8": those of n on both sides of d.
std::string nearest_divisors(std::int64_t n, std::int64_t d) {
  std::int64_t below = std::min(d, n);
  while (n % below != 0) --below;
  std::int64_t above = d;
  while (above < n && n % above != 0) ++above;
  if (above >= n && below == n) return fmt::format("the nearest divisor is {}", n);
  return fmt::format("nearest divisors are {} and {}", below, std::min(above, n));
}

void check_width(std::string_view name, std::int64_t width) {
  check(1 <= width && width <= kMaxWidth, kOp, "{} is {}; it must lie in [1, {}]", name, width,
        kMaxWidth);
}

void fill_in(MultiHeadAttentionConfig& c) {
  const auto set = [](std::int64_t& width, std::int64_t otherwise) {
    if (width == 0) width = otherwise;
  };
  check_width("d_model", c.d_model);
  check_width("n_heads", c.n_heads);
  check(c.head_dim != 0 || c.d_model % c.n_heads == 0, kOp,
        "n_heads {} does not divide d_model {}; {} (or give head_dim)", c.n_heads, c.d_model,
        nearest_divisors(c.d_model, c.n_heads));
  set(c.n_kv_heads, c.n_heads);
  set(c.head_dim, c.d_model / c.n_heads);
  set(c.head_dim_v, c.head_dim);
  set(c.d_key, c.d_model);
  set(c.d_value, c.d_model);
  set(c.d_out, c.d_model);
  if (c.rotary) set(c.rotary->rotary_dim, c.head_dim);
}

void check_widths(const MultiHeadAttentionConfig& c) {
  const std::pair<std::string_view, std::int64_t> widths[] = {{"n_kv_heads", c.n_kv_heads},
                                                              {"head_dim", c.head_dim},
                                                              {"head_dim_v", c.head_dim_v},
                                                              {"d_key", c.d_key},
                                                              {"d_value", c.d_value},
                                                              {"d_out", c.d_out},
                                                              {"n_heads x head_dim", c.q_width()}};
  for (const auto& [name, width] : widths) check_width(name, width);
  check_width("n_heads x head_dim_v", c.z_width());
  check(is_weight_type(c.weight_dtype), kOp, "weight_dtype is {}; it must be f32, bf16 or f16",
        name_of(c.weight_dtype));
  check(c.n_heads % c.n_kv_heads == 0, kOp, "n_kv_heads {} does not divide n_heads {}; {}",
        c.n_kv_heads, c.n_heads, nearest_divisors(c.n_heads, c.n_kv_heads));
}

void check_rotary(const MultiHeadAttentionConfig& c) {
  if (!c.rotary) return;
  const double theta = c.rotary->theta;
  const std::int64_t rotary_dim = c.rotary->rotary_dim;
  check(rotary_dim > 0 && rotary_dim % 2 == 0 && rotary_dim <= c.head_dim, kOp,
        "rotary_dim {} does not fit head_dim {}; it must be even and at most that", rotary_dim,
        c.head_dim);
  check(std::isfinite(theta) && theta > 0, kOp, "the rotary theta is {}; it must be positive",
        theta);
  const double linear = c.rotary->linear_factor;
  check(std::isfinite(linear) && linear >= 1, kOp, "linear_factor is {}; it must be 1 or more",
        linear);
  if (!c.rotary->llama3) return;
  const auto [factor, low, high, trained_len] = *c.rotary->llama3;
  check(linear == 1, kOp, "linear_factor {} and llama3 scaling do not go together", linear);
  check(factor >= 1 && 0 < low && low < high && trained_len >= 1 && std::isfinite(factor) &&
            std::isfinite(high) && std::isfinite(trained_len),
        kOp,
        "llama3 scaling has factor {}, low_freq_factor {}, high_freq_factor {} and trained_len {}; "
        "they must be factor >= 1, 0 < low < high and trained_len >= 1",
        factor, low, high, trained_len);
}

/// The added keys stand before the sequence, where causal and bottom-right alignment leave them
/// visible; what counts distances from the first key would see them as tokens.
void check_added_keys(const MultiHeadAttentionConfig& c) {
  if (c.added_keys() == 0) return;
  check(c.causal != Causal::top_left, kOp,
        "added keys ({}) and top_left causal do not go together; use bottom_right", c.added_keys());
  check(c.window.left < 0, kOp,
        "added keys ({}) and a left window of {} do not go together; the window would hide them",
        c.added_keys(), c.window.left);
  check(!c.alibi, kOp, "added keys ({}) have no position for alibi to measure from",
        c.added_keys());
}

void check_numbers(const MultiHeadAttentionConfig& c) {
  check(!c.qk_norm_eps || (std::isfinite(*c.qk_norm_eps) && *c.qk_norm_eps >= 0), kOp,
        "qk_norm_eps is {}; it must be 0 or more", c.qk_norm_eps.value_or(0));
  check(!c.scale || std::isfinite(*c.scale), kOp, "scale is {}; it must be finite",
        c.scale.value_or(0));
  check(std::isfinite(c.softcap) && c.softcap >= 0, kOp,
        "softcap is {}; it must be finite and positive, or 0 for none", c.softcap);
  check(c.window.left >= -1 && c.window.right >= -1, kOp,
        "window is ({}, {}); each side must be 0 or more, or -1 for unbounded", c.window.left,
        c.window.right);
}

}  // namespace

MultiHeadAttentionConfig resolved(MultiHeadAttentionConfig config) {
  fill_in(config);
  check_widths(config);
  check_rotary(config);
  check_added_keys(config);
  check_numbers(config);
  return config;
}

std::vector<double> rotary_frequencies(const RotaryConfig& rotary) {
  std::vector<double> frequencies = RopeTable::frequencies(rotary.rotary_dim, rotary.theta);
  scale_linear(frequencies, rotary.linear_factor);
  if (rotary.llama3) scale_llama3(frequencies, *rotary.llama3);
  return frequencies;
}

std::string_view name_of(AttentionWeight weight) {
  static constexpr std::array<std::string_view, kAttentionWeights> kNames = {
      "w_q", "w_k",     "w_v",     "w_o",    "b_q",    "b_k",  "b_v",
      "b_o", "added_k", "added_v", "q_norm", "k_norm", "sinks"};
  return kNames[static_cast<std::size_t>(weight)];
}

std::optional<Shape> weight_shape(const MultiHeadAttentionConfig& c, AttentionWeight weight) {
  const auto when = [](bool has, Shape shape) {
    return has ? std::optional<Shape>(shape) : std::nullopt;
  };
  switch (weight) {
    case AttentionWeight::w_q:
      return Shape{c.q_width(), c.d_model};
    case AttentionWeight::w_k:
      return Shape{c.k_width(), c.d_key};
    case AttentionWeight::w_v:
      return Shape{c.v_width(), c.d_value};
    case AttentionWeight::w_o:
      return Shape{c.d_out, c.z_width()};
    case AttentionWeight::b_q:
      return when(c.bias.q, {c.q_width()});
    case AttentionWeight::b_k:
      return when(c.bias.k, {c.k_width()});
    case AttentionWeight::b_v:
      return when(c.bias.v, {c.v_width()});
    case AttentionWeight::b_o:
      return when(c.bias.o, {c.d_out});
    case AttentionWeight::added_k:
      return when(c.added_key_value, {c.k_width()});
    case AttentionWeight::added_v:
      return when(c.added_key_value, {c.v_width()});
    case AttentionWeight::q_norm:
    case AttentionWeight::k_norm:
      return when(c.qk_norm_eps.has_value(), {c.head_dim});
    case AttentionWeight::sinks:
      return when(c.sinks, {c.n_heads});
  }
  return std::nullopt;
}

}  // namespace headlight
