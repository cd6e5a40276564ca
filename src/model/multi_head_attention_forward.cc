// One call of the layer: project, norm, rotate, attend, project.
#include <algorithm>
#include <optional>

#include "core/error.h"
#include "core/threads.h"
#include "kernels/attention_pattern.h"
#include "kernels/norms.h"
#include "model/layer_masks.h"
#include "model/layer_sequences.h"
#include "model/multi_head_attention_check.h"
#include "model/multi_head_attention_impl.h"

namespace headlight {
namespace {

/// About 80 microseconds of one core: below that, waking threads costs more than they take over.
constexpr double kSerialFlops = 8e6;

/// y rows = x W + b, in one product where the rows of x and y lie evenly.
void project(const Linear& linear, TensorView x, const LayerSequences& sequences,
             const LayerRows& to) {
  const auto apply = [&](const float* from, std::int64_t from_stride, float* rows,
                         std::int64_t count) {
    linear.apply(TensorView(from, {count, x.dim(2)}, {from_stride, 1}),
                 MutableTensorView(rows, {count, linear.out_features()}, {to.stride, 1}));
  };
  const auto* from = x.as<float>();
  const std::int64_t token = x.dim(1) == 1 ? x.stride(0) : x.stride(1);
  const bool even = x.dim(0) == 1 || x.dim(1) == 1 || x.stride(0) == x.dim(1) * x.stride(1);
  if (even && to.gap == 0) return apply(from, token, to.data, x.dim(0) * x.dim(1));
  for (std::int64_t s = 0; s < sequences.count; ++s) {
    const float* at =
        sequences.packed() ? from + sequences.begin(s) * x.stride(1) : from + s * x.stride(0);
    apply(at, x.stride(1), to.own(sequences, s), sequences.size(s));
  }
}

class LayerCall {
 public:
  LayerCall(MultiHeadAttention::Impl& layer, const LayerInputs& inputs, KvCache* cache,
            const LayerOptions& options)
      : m_(layer), c_(layer.config), in_(inputs), cache_(cache), options_(options) {
    const bool packed = !options.cu_seqlens.empty();
    const auto sequences = [&](TensorView x, std::span<const std::int64_t> offsets) {
      return LayerSequences{packed ? std::ssize(offsets) - 1 : x.dim(0), x.dim(1), offsets};
    };
    queries_ = sequences(in_.query, options.cu_seqlens);
    keys_ = sequences(in_.key,
                      options.cu_seqlens_key.empty() ? options.cu_seqlens : options.cu_seqlens_key);
  }

  AttentionReport run(MutableTensorView out) {
    std::optional<ThreadLimit> alone;
    if (flops() < kSerialFlops) alone.emplace(1);
    project_inputs();
    place_added_keys();
    norm_and_rotate();
    if (cache_) cache_->append(batch_view(k_, keys_), batch_view(v_, keys_));
    const AttentionReport report = attend();
    write_head_out();
    write_out(out);
    return report;
  }

 private:
  /// Multiplications and additions, about.
  double flops() const {
    const auto n = [](std::int64_t x) { return static_cast<double>(x); };
    const double q_out = n(c_.q_width()) * n(c_.d_model) + n(c_.z_width()) * n(c_.d_out);
    const double kv = n(c_.k_width()) * n(c_.d_key) + n(c_.v_width()) * n(c_.d_value);
    const double pairs = n(queries_.tokens()) * n(cache_ ? cache_->length() : keys_.length);
    return 2 * (n(queries_.tokens()) * q_out + n(keys_.tokens()) * kv +
                pairs * n(c_.q_width() + c_.z_width()));
  }

  /// Keys that stand in the buffer before a sequence's own; in a cache they are there already.
  std::int64_t gap() const { return cache_ ? 0 : c_.added_keys(); }

  void project_inputs() {
    const bool self = in_.key.data() == in_.query.data() && c_.d_key == c_.d_model;
    const bool shared = in_.value.data() == in_.key.data() && c_.d_value == c_.d_key;
    const std::int64_t kv_width = c_.k_width() + c_.v_width();
    LayerWorkspace& ws = m_.workspace;
    q_ = {nullptr, c_.q_width(), c_.n_heads, c_.head_dim};
    if (self && shared && gap() == 0) {
      q_.stride += kv_width;
      q_.data = ws.q.reserve(queries_.tokens() * q_.stride);
      set_keys(q_.data + c_.q_width(), q_.stride);
      return project(m_.input_projection(kQuery | kKey | kValue), in_.query, queries_, q_);
    }
    q_.data = ws.q.reserve(queries_.tokens() * q_.stride);
    set_keys(ws.kv.reserve((keys_.tokens() + keys_.count * gap()) * kv_width), kv_width);
    project(m_.input_projection(kQuery), in_.query, queries_, q_);
    if (shared) return project(m_.input_projection(kKey | kValue), in_.key, keys_, k_);
    project(m_.input_projection(kKey), in_.key, keys_, k_);
    project(m_.input_projection(kValue), in_.value, keys_, v_);
  }

  void set_keys(float* data, std::int64_t stride) {
    k_ = {data, stride, c_.n_kv_heads, c_.head_dim, gap()};
    v_ = {data + c_.k_width(), stride, c_.n_kv_heads, c_.head_dim_v, gap()};
  }

  void place_added_keys() const {
    const auto added_k = m_.values(AttentionWeight::added_k);
    const auto added_v = m_.values(AttentionWeight::added_v);
    for (std::int64_t s = 0; gap() > 0 && s < keys_.count; ++s) {
      float* k = k_.first(keys_, s);
      float* v = v_.first(keys_, s);
      std::ranges::copy(added_k, k);
      std::ranges::copy(added_v, v);
      if (!c_.zero_key_value) continue;
      std::fill_n(k + (gap() - 1) * k_.stride, c_.k_width(), 0.0f);
      std::fill_n(v + (gap() - 1) * v_.stride, c_.v_width(), 0.0f);
    }
  }

  void norm_and_rotate() {
    const std::int64_t seen = cache_ ? cache_->length() - c_.added_keys() : 0;
    const std::int64_t longest = seen + std::max(queries_.length, keys_.length);
    if (c_.rotary) reserve_rotations(longest, seen);
    for (std::int64_t s = 0; s < queries_.count; ++s)
      norm_and_rotate(q_, AttentionWeight::q_norm, queries_, s);
    for (std::int64_t s = 0; s < keys_.count; ++s)
      norm_and_rotate(k_, AttentionWeight::k_norm, keys_, s);
  }

  void reserve_rotations(std::int64_t longest, std::int64_t seen) {
    LayerWorkspace& ws = m_.workspace;
    const RotaryConfig& rotary = *c_.rotary;
    if (ws.rope.max_len() < longest)
      ws.rope = RopeTable(RopeTable::frequencies(rotary.rotary_dim, rotary.theta), 2 * longest);
    ws.positions.resize(static_cast<std::size_t>(longest - seen));
    for (std::size_t t = 0; t < ws.positions.size(); ++t)
      ws.positions[t] = seen + static_cast<std::int64_t>(t);
  }

  void norm_and_rotate(const LayerRows& rows, AttentionWeight norm, const LayerSequences& of,
                       std::int64_t s) const {
    float* own = rows.own(of, s);
    const std::int64_t count = of.size(s);
    for (std::int64_t h = 0; c_.qk_norm_eps && h < rows.heads; ++h) {
      const MutableTensorView head(own + h * rows.head_dim, {count, rows.head_dim},
                                   {rows.stride, 1});
      rms_norm(head, m_.weight(norm), *c_.qk_norm_eps, head);
    }
    if (c_.rotary)
      rope(MutableTensorView(own, {count, rows.heads, rows.head_dim},
                             {rows.stride, rows.head_dim, 1}),
           m_.workspace.rope, c_.rotary->layout,
           std::span(m_.workspace.positions).first(static_cast<std::size_t>(count)));
  }

  /// [B, T, heads, head_dim] of a batch, the gap's rows included.
  static MutableTensorView batch_view(const LayerRows& rows, const LayerSequences& of) {
    const std::int64_t length = rows.gap + of.length;
    return {rows.data,
            {of.count, length, rows.heads, rows.head_dim},
            {length * rows.stride, rows.stride, rows.head_dim, 1}};
  }

  /// [1, length, heads, head_dim] of one sequence, the gap's rows included in `length`.
  static MutableTensorView sequence_view(const LayerRows& rows, const LayerSequences& of,
                                         std::int64_t s, std::int64_t length) {
    return {rows.first(of, s),
            {1, length, rows.heads, rows.head_dim},
            {length * rows.stride, rows.stride, rows.head_dim, 1}};
  }

  /// Whether padding can be left out by shortening each entry's keys: nothing else looks at them
  /// by position from the end, or by the padded length.
  bool can_shorten() const {
    return !options_.mask && !options_.bias && options_.requests.patterns.empty() &&
           c_.causal == Causal::none && c_.window.left < 0 && c_.window.right < 0 && !c_.alibi;
  }

  AttentionReport attend() {
    const MutableTensorView& z = options_.requests.z;
    z_ = {z ? z.as<float>() : m_.workspace.z.reserve(queries_.tokens() * c_.z_width()),
          c_.z_width(), c_.n_heads, c_.head_dim_v};
    if (queries_.packed()) return attend_one_by_one();
    if (!options_.key_lengths.empty() && can_shorten()) return attend_one_by_one();
    AttentionTensors t = common_tensors();
    t.q = batch_view(q_, queries_);
    t.k = cache_ ? cache_->keys() : batch_view(k_, keys_);
    t.v = cache_ ? cache_->values() : batch_view(v_, keys_);
    t.z = batch_view(z_, queries_);
    t.lse = options_.requests.lse;
    add_masks(t);
    return attend(t, 0);
  }

  AttentionReport attend_one_by_one() const {
    AttentionReport report;
    for (std::int64_t s = 0; s < queries_.count; ++s) {
      const std::int64_t keys = gap() + (options_.key_lengths.empty()
                                             ? keys_.size(s)
                                             : options_.key_lengths[static_cast<std::size_t>(s)]);
      AttentionTensors t = common_tensors();
      t.q = sequence_view(q_, queries_, s, queries_.size(s));
      t.k = sequence_view(k_, keys_, s, keys);
      t.v = sequence_view(v_, keys_, s, keys);
      t.z = sequence_view(z_, queries_, s, queries_.size(s));
      t.lse = lse_of(s);
      AttentionReport one = attend(t, s);
      if (s == 0) report = std::move(one);
    }
    return report;
  }

  /// [1, H, Tq] of one sequence.
  MutableTensorView lse_of(std::int64_t s) const {
    const MutableTensorView& lse = options_.requests.lse;
    if (!lse) return {};
    const std::int64_t offset =
        queries_.packed() ? queries_.begin(s) * lse.stride(2) : s * lse.stride(0);
    return {lse.as<float>() + offset, {1, c_.n_heads, queries_.size(s)}, lse.strides()};
  }

  AttentionTensors common_tensors() const {
    return {.alibi_slopes = m_.alibi_slopes,
            .sinks = m_.values(AttentionWeight::sinks),
            .head_gate = options_.head_gate};
  }

  /// The caller's mask and bias, widened by the added keys and the padding.
  void add_masks(AttentionTensors& t) {
    const LayerKeys keys{.batch = t.q.dim(0),
                         .added = c_.added_keys(),
                         .own = t.k.dim(1) - c_.added_keys(),
                         .lengths = options_.key_lengths};
    t.mask = layer_mask(options_.mask, keys, m_.workspace.mask);
    t.bias = layer_bias(options_.bias, keys, m_.workspace.bias);
  }

  /// Runs the op, and the patterns asked of the batch entries in it, which start at `first`.
  AttentionReport attend(const AttentionTensors& t, std::int64_t first) const {
    const AttentionOptions options{.scale = c_.scale,
                                   .softcap = c_.softcap,
                                   .causal = c_.causal,
                                   .window = c_.window,
                                   .kernel = options_.kernel};
    AttentionReport report = attention(t, options);
    for (const PatternRequest& r : options_.requests.patterns) {
      const std::int64_t batch = r.batch - first;
      if (batch < 0 || batch >= t.q.dim(0)) continue;
      attention_pattern(attention_problem(t, options), t, {batch, r.head, r.row_begin, r.row_end},
                        r.out);
    }
    return report;
  }

  void write_head_out() const {
    const MutableTensorView& to = options_.requests.head_out;
    if (!to) return;
    const std::int64_t stride = c_.n_heads * c_.d_out;
    for (std::int64_t h = 0; h < c_.n_heads; ++h)
      m_.head_projection(h).apply(TensorView(z_.data + h * c_.head_dim_v,
                                             {queries_.tokens(), c_.head_dim_v}, {z_.stride, 1}),
                                  MutableTensorView(to.as<float>() + h * c_.d_out,
                                                    {queries_.tokens(), c_.d_out}, {stride, 1}));
  }

  void write_out(MutableTensorView out) const {
    const Linear& linear = m_.output_projection();
    const std::int64_t batch = out.dim(0), length = out.dim(1);
    const auto apply = [&](const float* z, float* to, std::int64_t rows, std::int64_t stride) {
      linear.apply(TensorView(z, {rows, c_.z_width()}),
                   MutableTensorView(to, {rows, c_.d_out}, {stride, 1}));
    };
    if (length == 1) return apply(z_.data, out.as<float>(), batch, out.stride(0));
    if (batch == 1 || out.stride(0) == length * out.stride(1))
      return apply(z_.data, out.as<float>(), batch * length, out.stride(1));
    for (std::int64_t b = 0; b < batch; ++b)
      apply(z_.data + b * length * z_.stride, out.as<float>() + b * out.stride(0), length,
            out.stride(1));
  }

  MultiHeadAttention::Impl& m_;
  const MultiHeadAttentionConfig& c_;
  const LayerInputs& in_;
  KvCache* cache_;
  const LayerOptions& options_;
  LayerSequences queries_, keys_;
  LayerRows q_, k_, v_, z_;
};

}  // namespace

AttentionReport run_layer(MultiHeadAttention::Impl& layer, const LayerInputs& inputs,
                          KvCache* cache, MutableTensorView out, const LayerOptions& options) {
  LayerInputs given = inputs;
  if (!given.key) given.key = given.query;
  if (!given.value) given.value = given.key;
  check_layer_call(layer.config, given, cache, out, options);
  return LayerCall(layer, given, cache, options).run(out);
}

}  // namespace headlight
