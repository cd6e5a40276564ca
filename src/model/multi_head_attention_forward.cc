// One call of the layer: project, norm, rotate, attend, project.
#include <algorithm>
#include <optional>

#include "core/error.h"
#include "core/threads.h"
#include "kernels/attention_pattern.h"
#include "kernels/norms.h"
#include "model/layer_pass.h"
#include "model/multi_head_attention_check.h"

namespace headlight {
namespace {

class LayerCall : LayerPass {
 public:
  LayerCall(MultiHeadAttention::Impl& layer, const LayerInputs& inputs, KvCache* cache,
            const LayerOptions& options)
      : LayerPass(layer, inputs, cache, options), record_(options.record) {}

  AttentionReport run(MutableTensorView out) {
    std::optional<ThreadLimit> alone;
    if (flops() < kSerialFlops) alone.emplace(1);
    heads_ = place(record_ ? record_->impl().activations : m_.workspace.activations);
    if (record_) begin_record();
    project_inputs();
    place_added_keys();
    norm_and_rotate();
    if (cache_) cache_->append(heads_.k.batch(keys_), heads_.v.batch(keys_));
    const AttentionReport report = attend();
    write_head_out();
    write_out(out);
    return report;
  }

 private:
  void begin_record() const {
    LayerRecord::Impl& record = record_->impl();
    record.query = in_.query.shape();
    record.key = in_.key.shape();
    record.heads = heads_;
  }

  void project_inputs() const {
    if (fused()) return project(kQuery | kKey | kValue, in_.query, queries_, heads_.q);
    project(kQuery, in_.query, queries_, heads_.q);
    if (shared()) return project(kKey | kValue, in_.key, keys_, heads_.k);
    project(kKey, in_.key, keys_, heads_.k);
    project(kValue, in_.value, keys_, heads_.v);
  }

  /// Rows := x W + b.
  void project(unsigned parts, TensorView x, const LayerSequences& sequences,
               const LayerRows& to) const {
    const Linear& linear = m_.input_projection(parts);
    for_even_rows(x, sequences, to, linear.out_features(),
                  [&](TensorView from, MutableTensorView rows) { linear.apply(from, rows); });
  }

  void place_added_keys() const {
    const auto added_k = m_.values(AttentionWeight::added_k);
    const auto added_v = m_.values(AttentionWeight::added_v);
    for_each_gap([&](std::int64_t s) {
      float* k = heads_.k.first(keys_, s);
      float* v = heads_.v.first(keys_, s);
      std::ranges::copy(added_k, k);
      std::ranges::copy(added_v, v);
      if (!c_.zero_key_value) return;
      std::fill_n(k + (gap() - 1) * heads_.k.stride, c_.k_width(), 0.0f);
      std::fill_n(v + (gap() - 1) * heads_.v.stride, c_.v_width(), 0.0f);
    });
  }

  void norm_and_rotate() {
    reserve_rotations();
    const auto each = [&](const LayerRows& rows, AttentionWeight norm, const LayerSequences& of,
                          GrowingBuffer<float>* before) {
      float* kept = before ? before->reserve(of.tokens() * rows.heads * rows.head_dim) : nullptr;
      for (std::int64_t s = 0; s < of.count; ++s) norm_and_rotate(rows, norm, of, s, kept);
    };
    const bool keep = record_ && c_.qk_norm_eps;
    each(heads_.q, AttentionWeight::q_norm, queries_,
         keep ? &record_->impl().q_before_norm : nullptr);
    each(heads_.k, AttentionWeight::k_norm, keys_, keep ? &record_->impl().k_before_norm : nullptr);
  }

  /// `kept`: where the rows of all sequences are copied to before the norm, or null.
  void norm_and_rotate(const LayerRows& rows, AttentionWeight norm, const LayerSequences& of,
                       std::int64_t s, float* kept) const {
    float* own = rows.own(of, s);
    const std::int64_t count = of.size(s), width = rows.heads * rows.head_dim;
    for (std::int64_t t = 0; kept && t < count; ++t)
      std::copy_n(own + t * rows.stride, width, kept + (of.begin(s) + t) * width);
    for (std::int64_t h = 0; c_.qk_norm_eps && h < rows.heads; ++h) {
      const MutableTensorView head(own + h * rows.head_dim, {count, rows.head_dim},
                                   {rows.stride, 1});
      rms_norm(head, m_.weight(norm), *c_.qk_norm_eps, head);
    }
    if (c_.rotary)
      rope(MutableTensorView(own, {count, rows.heads, rows.head_dim},
                             {rows.stride, rows.head_dim, 1}),
           m_.workspace.rope, c_.rotary->layout, positions(count));
  }

  AttentionReport attend() {
    const LayerRequests& requests = options_.requests;
    if (requests.z && !record_) heads_.z.data = requests.z.as<float>();
    const MutableTensorView lse = record_ ? record_->impl().lse_view(c_.n_heads) : requests.lse;
    AttentionReport report;
    for_each_part([&](const LayerPart& part) {
      AttentionReport one = attend(tensors(heads_, lse, part), part);
      if (part.first == 0) report = std::move(one);
    });
    if (record_) copy_requests(lse);
    return report;
  }

  /// Runs the op, and the patterns asked of the batch entries in it.
  AttentionReport attend(const AttentionTensors& t, const LayerPart& part) const {
    const AttentionOptions options = attention_options();
    AttentionReport report = attention(t, options);
    for (const PatternRequest& r : options_.requests.patterns) {
      const std::int64_t batch = r.batch - part.first;
      if (batch < 0 || batch >= t.q.dim(0)) continue;
      attention_pattern(attention_problem(t, options), t, {batch, r.head, r.row_begin, r.row_end},
                        r.out);
    }
    return report;
  }

  /// What a record keeps for itself, for the caller too.
  void copy_requests(MutableTensorView lse) const {
    if (const MutableTensorView& z = options_.requests.z)
      std::copy_n(heads_.z.data, z.numel(), z.as<float>());
    const MutableTensorView& to = options_.requests.lse;
    const float* from = lse.as<float>();
    for (std::int64_t b = 0; to && b < to.dim(0); ++b)
      for (std::int64_t h = 0; h < to.dim(1); ++h)
        for (std::int64_t i = 0; i < to.dim(2); ++i)
          to.as<float>()[b * to.stride(0) + h * to.stride(1) + i * to.stride(2)] = *from++;
  }

  void write_head_out() const {
    const MutableTensorView& to = options_.requests.head_out;
    if (!to) return;
    const std::int64_t stride = c_.n_heads * c_.d_out;
    for (std::int64_t h = 0; h < c_.n_heads; ++h)
      m_.head_projection(h).apply(
          TensorView(heads_.z.data + h * c_.head_dim_v, {queries_.tokens(), c_.head_dim_v},
                     {heads_.z.stride, 1}),
          MutableTensorView(to.as<float>() + h * c_.d_out, {queries_.tokens(), c_.d_out},
                            {stride, 1}));
  }

  void write_out(MutableTensorView out) const {
    const Linear& linear = m_.output_projection();
    // Rows of z follow each other whatever the sequences, so those of the batch will do.
    const LayerSequences batch{out.dim(0), out.dim(1)};
    for_even_rows(out, batch, heads_.z, c_.z_width(),
                  [&](MutableTensorView to, MutableTensorView z) { linear.apply(z, to); });
  }

  LayerRecord* record_;
  LayerHeads heads_;
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
