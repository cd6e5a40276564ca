// The gradients of one call of the layer, in the reverse order of the forward pass.
#include <algorithm>
#include <optional>

#include "core/error.h"
#include "core/threads.h"
#include "kernels/attention/backward/backward.h"
#include "kernels/attention/pairs.h"
#include "kernels/norms/norms_backward.h"
#include "model/layer_pass.h"
#include "model/layer_storage.h"
#include "model/multi_head_attention_check.h"

namespace headlight {
namespace {

class LayerBackward : LayerPass {
 public:
  /// `named`: which inputs the caller gave; the others share a gradient with what stood in.
  LayerBackward(MultiHeadAttention::Impl& layer, const LayerInputs& inputs,
                const LayerInputs& named, LayerRecord::Impl& record,
                const LayerGradients& gradients, const LayerOptions& options)
      : LayerPass(layer, inputs, LayerCache(), options),
        named_(named),
        record_(record),
        g_(gradients) {}

  AttentionReport run() {
    std::optional<ThreadLimit> alone;
    if (flops() < kSerialFlops) alone.emplace(1);
    if (g_.mode == GradientMode::overwrite) clear_sums();
    d_ = place_apart(m_.workspace.gradients);
    output_projection();
    const AttentionReport report = attend();
    added_keys();
    turn_back();
    input_projections();
    return report;
  }

 private:
  /// From here on all sums are added to.
  void clear_sums() const {
    for (const MutableTensorView& d : g_.d_weights) clear(d);
    clear(g_.d_bias);
    std::ranges::fill(g_.d_head_gate, 0.0f);
    std::ranges::fill(g_.d_alibi_slopes, 0.0f);
  }
  static void clear(MutableTensorView d) {
    if (d) std::fill_n(d.as<float>(), d.numel(), 0.0f);
  }

  /// A matrix in fp32; until the next is asked for.
  TensorView matrix(AttentionWeight which) const {
    const TensorView stored = m_.weight(which);
    if (stored.dtype() == DType::f32) return stored;
    float* wide = m_.workspace.wide_matrix.reserve(stored.numel());
    widen(stored.dtype(), stored.data(), {wide, static_cast<std::size_t>(stored.numel())});
    return {wide, stored.shape()};
  }
  MutableTensorView d_weight(AttentionWeight which) const {
    return g_.d_weights[static_cast<std::size_t>(which)];
  }
  std::span<float> d_values(AttentionWeight which) const {
    const MutableTensorView d = d_weight(which);
    return d ? std::span(d.as<float>(), static_cast<std::size_t>(d.numel())) : std::span<float>();
  }

  /// Adds what rows x and the gradient d_y of x W + b give to those of W and b.
  void add_weight_gradients(AttentionWeight weight, AttentionWeight bias, TensorView x,
                            TensorView d_y) const {
    if (d_weight(weight))
      linear_backward_weight(x, d_y, WeightLayout::out_in, d_weight(weight), {.accumulate = true});
    if (d_weight(bias)) linear_backward_bias(d_y, d_weight(bias), {.accumulate = true});
  }

  void output_projection() const {
    const LayerSequences batch{g_.d_out.dim(0), g_.d_out.dim(1)};
    const auto each = [&](const LayerRows& rows, const auto& body) {
      for_even_rows(g_.d_out, batch, rows, c_.z_width(), body);
    };
    const TensorView w_o = matrix(AttentionWeight::w_o);
    each(d_.z, [&](TensorView d_out, MutableTensorView d_z) {
      linear_backward_input(d_out, w_o, WeightLayout::out_in, d_z);
    });
    each(record_.heads.z, [&](TensorView d_out, MutableTensorView z) {
      add_weight_gradients(AttentionWeight::w_o, AttentionWeight::b_o, z, d_out);
    });
  }

  AttentionReport attend() {
    if (one_by_one()) clear_hidden_keys();
    const MutableTensorView lse = record_.lse_view(c_.n_heads);
    AttentionReport report;
    for_each_part([&](const LayerPart& part) {
      const AttentionTensors t = tensors(record_.heads, lse, part);
      AttentionGradients g{.d_z = query_view(d_.z, part),
                           .d_q = query_view(d_.q, part),
                           .d_k = key_view(d_.k, part),
                           .d_v = key_view(d_.v, part),
                           .d_bias = d_bias_of(t),
                           .d_sinks = d_values(AttentionWeight::sinks),
                           .d_head_gate = g_.d_head_gate,
                           .d_alibi_slopes = g_.d_alibi_slopes,
                           .mode = GradientMode::add};
      AttentionReport one = attention_backward(t, attention_options(part), g);
      if (part.first == 0) report = std::move(one);
    });
    narrow_d_bias();
    return report;
  }

  /// Keys past an entry's length meet no query, so that attention leaves their gradients alone.
  void clear_hidden_keys() const {
    for (std::int64_t s = 0; s < keys_.count; ++s)
      for (std::int64_t j = part(s).keys; j < gap() + keys_.size(s); ++j) {
        std::fill_n(d_.k.first(keys_, s) + j * d_.k.stride, c_.k_width(), 0.0f);
        std::fill_n(d_.v.first(keys_, s) + j * d_.v.stride, c_.v_width(), 0.0f);
      }
  }

  /// The caller's d_bias, or one with columns for the added keys.
  MutableTensorView d_bias_of(const AttentionTensors& t) const {
    if (!g_.d_bias || c_.added_keys() == 0) return with_four_extents(g_.d_bias);
    const MutableTensorView wide(m_.workspace.d_bias.reserve(t.bias.numel()), t.bias.shape());
    clear(wide);
    return wide;
  }
  void narrow_d_bias() const {
    if (!g_.d_bias || c_.added_keys() == 0) return;
    const std::int64_t own = keys_.length, added = c_.added_keys();
    const std::int64_t width = g_.d_bias.dim(g_.d_bias.rank() - 1);
    const std::int64_t rows = g_.d_bias.numel() / std::max<std::int64_t>(width, 1);
    const float* from = m_.workspace.d_bias.reserve(rows * (added + own)) + added;
    float* to = g_.d_bias.as<float>();
    const bool repeats = width == 1;
    for (std::int64_t r = 0; r < rows; ++r, from += added + own)
      for (std::int64_t j = 0; j < own; ++j) (repeats ? to[r] : to[r * own + j]) += from[j];
  }

  void added_keys() const {
    if (!c_.added_key_value) return;
    for_each_gap([&](std::int64_t s) {
      add_row(d_.k.first(keys_, s), d_values(AttentionWeight::added_k));
      add_row(d_.v.first(keys_, s), d_values(AttentionWeight::added_v));
    });
  }
  static void add_row(const float* row, std::span<float> sum) {
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += row[i];
  }

  /// Through the rotations and the norms of q and k.
  void turn_back() {
    reserve_rotations();
    const std::int64_t kept = c_.qk_norm_eps ? c_.head_dim : 0;
    const float* q = record_.q_before_norm.reserve(queries_.tokens() * c_.n_heads * kept);
    const float* k = record_.k_before_norm.reserve(keys_.tokens() * c_.n_kv_heads * kept);
    for (std::int64_t s = 0; s < queries_.count; ++s)
      turn_back(d_.q, AttentionWeight::q_norm, queries_, s, q);
    for (std::int64_t s = 0; s < keys_.count; ++s)
      turn_back(d_.k, AttentionWeight::k_norm, keys_, s, k);
  }
  void turn_back(const LayerRows& d, AttentionWeight norm, const LayerSequences& of, std::int64_t s,
                 const float* before) const {
    const std::int64_t count = of.size(s), width = d.heads * d.head_dim;
    if (count == 0) return;  // the rotations of no positions may not be there
    float* own = d.own(of, s);
    if (c_.rotary)
      rope_backward(MutableTensorView(own, {count, d.heads, d.head_dim}, {d.stride, d.head_dim, 1}),
                    m_.workspace.rope, c_.rotary->layout, positions(s, 0, count));
    for (std::int64_t h = 0; c_.qk_norm_eps && h < d.heads; ++h) {
      const Shape shape{count, d.head_dim};
      const MutableTensorView d_head(own + h * d.head_dim, shape, {d.stride, 1});
      const TensorView x(before + of.begin(s) * width + h * d.head_dim, shape, {width, 1});
      rms_norm_backward(
          x, m_.weight(norm), *c_.qk_norm_eps,
          {.d_y = d_head, .d_x = d_head, .d_weight = d_values(norm), .mode = GradientMode::add});
    }
  }

  void input_projections() {
    project_back(AttentionWeight::w_q, AttentionWeight::b_q, in_.query, queries_, d_.q);
    project_back(AttentionWeight::w_k, AttentionWeight::b_k, in_.key, keys_, d_.k);
    project_back(AttentionWeight::w_v, AttentionWeight::b_v, in_.value, keys_, d_.v);
    // A stand-in's gradient comes second, so that the first one overwrites.
    bool started = false;
    input_gradient(g_.d_query, AttentionWeight::w_q, queries_, d_.q, started);
    if (named_.key) started = false;
    const MutableTensorView& d_key = named_.key ? g_.d_key : g_.d_query;
    input_gradient(d_key, AttentionWeight::w_k, keys_, d_.k, started);
    if (named_.value) started = false;
    input_gradient(named_.value ? g_.d_value : d_key, AttentionWeight::w_v, keys_, d_.v, started);
  }

  void project_back(AttentionWeight weight, AttentionWeight bias, TensorView x,
                    const LayerSequences& sequences, const LayerRows& d) const {
    for_even_rows(x, sequences, d, d.heads * d.head_dim,
                  [&](TensorView rows, MutableTensorView d_rows) {
                    add_weight_gradients(weight, bias, rows, d_rows);
                  });
  }

  /// d_x := d W, or d_x += d W once it was started.
  void input_gradient(MutableTensorView d_x, AttentionWeight weight,
                      const LayerSequences& sequences, const LayerRows& d, bool& started) const {
    if (!d_x) return;
    const TensorView w = matrix(weight);
    for_even_rows(d_x, sequences, d, d.heads * d.head_dim,
                  [&](MutableTensorView rows, MutableTensorView d_rows) {
                    linear_backward_input(d_rows, w, WeightLayout::out_in, rows,
                                          {.accumulate = started});
                  });
    started = true;
  }

  const LayerInputs& named_;
  LayerRecord::Impl& record_;
  const LayerGradients& g_;
  LayerHeads d_;
};

}  // namespace

AttentionReport run_layer_backward(MultiHeadAttention::Impl& layer, const LayerInputs& inputs,
                                   LayerRecord::Impl& record, const LayerGradients& gradients,
                                   const LayerOptions& options) {
  LayerInputs given = inputs;
  if (!given.key) given.key = given.query;
  if (!given.value) given.value = given.key;
  layer.check_plain("backward()");
  check_layer_backward(layer.config, {given, inputs, record.query, record.key}, gradients, options);
  if (given.query.dtype() == DType::f32)
    return LayerBackward(layer, given, inputs, record, gradients, options).run();
  const LayerInputs wide = widened_inputs(given, layer.workspace);
  LayerGradients g = gradients;
  if (g.d_out.dtype() != DType::f32) g.d_out = widened(g.d_out, layer.workspace.wide_out);
  return LayerBackward(layer, wide, inputs, record, g, options).run();
}

}  // namespace headlight
