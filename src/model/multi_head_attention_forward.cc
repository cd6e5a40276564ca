// One call of the layer: project, norm, rotate, attend, project.
#include <algorithm>
#include <optional>

#include "core/error.h"
#include "core/threads.h"
#include "kernels/attention/pattern.h"
#include "kernels/norms/norms.h"
#include "model/layer_pass.h"
#include "model/layer_storage.h"
#include "model/multi_head_attention_check.h"

namespace headlight {
namespace {

class LayerCall : LayerPass {
 public:
  LayerCall(MultiHeadAttention::Impl& layer, const LayerInputs& inputs, const LayerCache& cache,
            const LayerOptions& options)
      : LayerPass(layer, inputs, cache, options), record_(options.record) {}

  AttentionReport run(MutableTensorView out) {
    std::optional<ThreadLimit> alone;
    if (flops() < kSerialFlops) alone.emplace(1);
    heads_ = place(record_ ? record_->impl().activations : m_.workspace.activations);
    if (record_) begin_record();
    reserve_rotations();
    project_inputs();
    place_added_keys();
    if (cache_) append_to_cache();
    const AttentionReport report = attend();
    write_head_out();
    write_out(out);
    return report;
  }

  /// Puts keys and values into the cache, and no more.
  void append() {
    heads_ = place(m_.workspace.activations);
    reserve_rotations();
    project_keys();
    append_to_cache();
  }

 private:
  void begin_record() {
    LayerRecord::Impl& record = record_->impl();
    record.query = in_.query.shape();
    record.key = in_.key.shape();
    record.heads = heads_;
    if (!c_.qk_norm_eps) return;
    q_before_norm_ = record.q_before_norm.reserve(queries_.tokens() * c_.q_width());
    k_before_norm_ = record.k_before_norm.reserve(keys_.tokens() * c_.k_width());
  }

  void project_inputs() const {
    if (fused()) return project(kQuery | kKey | kValue, in_.query, queries_, heads_.q);
    project(kQuery, in_.query, queries_, heads_.q);
    if (!options_.cache_only) project_keys();
  }

  void project_keys() const {
    if (shared()) return project(kKey | kValue, in_.key, keys_, heads_.k);
    project(kKey, in_.key, keys_, heads_.k);
    project(kValue, in_.value, keys_, heads_.v);
  }

  /// q or k between the product and attention.
  struct Part {
    InputPart bit;
    const LayerRows& rows;
    AttentionWeight norm;
    float* kept;  ///< where rows [tokens, width] are copied to before the norm, or null
  };
  struct HeadRange {
    std::int64_t begin, end;
  };

  /// Rows := x W + b, normed and rotated while they are in cache.
  void project(unsigned bits, TensorView x, const LayerSequences& sequences,
               const LayerRows& to) const {
    const Linear& linear = m_.input_projection(bits);
    std::int64_t token = 0;  // the first of a stretch
    const auto finish = [&](const GemmRegion& region) {
      finish_heads(bits, sequences, token, region);
    };
    LinearOptions options;
    if (c_.rotary || c_.qk_norm_eps) options = {.finish = finish, .finish_width = c_.head_dim};
    for_even_rows(x, sequences, to, linear.out_features(),
                  [&](TensorView from, MutableTensorView rows) {
                    linear.apply(from, rows, options);
                    token += rows.dim(0);
                  });
  }

  /// `region` is one of the product of the parts in `bits`, whose first row is token `first`.
  void finish_heads(unsigned bits, const LayerSequences& of, std::int64_t first,
                    const GemmRegion& region) const {
    const ThreadLimit alone(1);
    std::int64_t column = 0;
    for (const Part& part : {Part{kQuery, heads_.q, AttentionWeight::q_norm, q_before_norm_},
                             Part{kKey, heads_.k, AttentionWeight::k_norm, k_before_norm_}}) {
      if ((bits & part.bit) == 0) continue;
      const std::int64_t width = part.rows.heads * c_.head_dim;
      const HeadRange heads{std::max<std::int64_t>(region.column_begin - column, 0) / c_.head_dim,
                            std::min(region.column_end - column, width) / c_.head_dim};
      column += width;
      if (heads.begin >= heads.end) continue;
      for_each_stretch(
          of, first + region.row_begin, first + region.row_end,
          [&](const TokenStretch& tokens) { norm_and_rotate(part, of, tokens, heads); });
    }
  }

  void norm_and_rotate(const Part& part, const LayerSequences& of, const TokenStretch& tokens,
                       const HeadRange& heads) const {
    const std::int64_t stride = part.rows.stride, head_dim = c_.head_dim;
    const std::int64_t count = tokens.end - tokens.begin, n = heads.end - heads.begin;
    float* own =
        part.rows.own(of, tokens.sequence) + tokens.begin * stride + heads.begin * head_dim;
    const std::int64_t first = of.begin(tokens.sequence) + tokens.begin;
    for (std::int64_t t = 0; part.kept && t < count; ++t)
      std::copy_n(own + t * stride, n * head_dim,
                  part.kept + ((first + t) * part.rows.heads + heads.begin) * head_dim);
    for (std::int64_t h = 0; c_.qk_norm_eps && h < n; ++h) {
      const MutableTensorView head(own + h * head_dim, {count, head_dim}, {stride, 1});
      rms_norm(head, m_.weight(part.norm), *c_.qk_norm_eps, head);
    }
    if (c_.rotary)
      rope(MutableTensorView(own, {count, n, head_dim}, {stride, head_dim, 1}), m_.workspace.rope,
           c_.rotary->layout, positions(tokens.sequence, tokens.begin, tokens.end));
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

  /// A sequence of a paged cache starts empty: its added keys come first.
  void append_to_cache() {
    if (options_.cache_only) return read_cache();
    for (std::int64_t s = 0; cache_.pages() && s < cache_.count(); ++s)
      if (cache_.length(s) == 0)
        m_.for_each_added_key([&](const float* k, const float* v) { cache_.append_one(s, k, v); });
    cache_.append(heads_, keys_);
    read_cache();
  }

  /// Whether threads take whole sequences, rather than all of them one after another: no sequence
  /// may be so long that the others wait for it.
  bool shares_parts() const {
    if (!one_by_one()) return false;
    std::int64_t longest = 0, all = 0;
    for (std::int64_t s = 0; s < queries_.count; ++s) {
      if (masked_positions(part(s))) return false;  // there is one mask to write to
      const std::int64_t pairs = part(s).q_len * part(s).keys;
      longest = std::max(longest, pairs);
      all += pairs;
    }
    return longest * 2 * threads() <= all;
  }

  AttentionReport attend() {
    const LayerRequests& requests = options_.requests;
    if (requests.z && !record_) heads_.z.data = requests.z.as<float>();
    const MutableTensorView lse = record_ ? record_->impl().lse_view(c_.n_heads) : requests.lse;
    if (requests.statistics && one_by_one()) place_columns();
    AttentionReport report;
    const auto attend_part = [&](const LayerPart& part) {
      AttentionReport one = attend(tensors(heads_, lse, part), part);
      if (part.first == 0) report = std::move(one);
    };
    if (shares_parts())
      parallel_for(queries_.count, [&](std::int64_t s) {
        const ThreadLimit alone(1);
        attend_part(part(s));
      });
    else
      for_each_part(attend_part);
    if (record_) copy_requests(lse);
    return report;
  }

  /// Where the keys of each packed sequence stand among those of all.
  void place_columns() {
    StatisticsExtents all{.n_heads = c_.n_heads, .q_len = queries_.tokens()};
    columns_.clear();
    for (std::int64_t s = 0; s < queries_.count; ++s) {
      columns_.push_back(all.columns);
      all.columns += part(s).keys;
      all.keys = std::max(all.keys, part(s).keys);
    }
    check_statistics(*options_.requests.statistics, all);
  }

  /// Runs the op with the statistics asked of its queries.
  AttentionReport attend_with_statistics(AttentionTensors t, const LayerPart& part,
                                         const AttentionOptions& options) const {
    const AttentionStatistics* const request = options_.requests.statistics;
    if (!request || part.whole) {
      t.statistics = request;
      return attention(t, options);
    }
    const PartStatistics of_part(*request,
                                 {.q_begin = queries_.begin(part.first),
                                  .q_len = part.q_len,
                                  .column = columns_[static_cast<std::size_t>(part.first)],
                                  .kv_len = part.keys});
    t.statistics = &of_part.request();
    return attention(t, options);
  }

  /// Runs the op, and the patterns asked of the batch entries in it.
  AttentionReport attend(const AttentionTensors& t, const LayerPart& part) const {
    const AttentionOptions options = attention_options(part);
    AttentionReport report = attend_with_statistics(t, part, options);
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
  std::vector<std::int64_t> columns_;  // of column_mass, where each sequence's begin
  float* q_before_norm_ = nullptr;
  float* k_before_norm_ = nullptr;
};

/// Rows of a batch like that of `like`, of which there are none.
TensorView no_tokens(const TensorView& like, std::int64_t width) {
  static const float nothing = 0;
  return {&nothing, like.dtype(), {like.rank() == 3 ? like.dim(0) : 0, 0, width}};
}

}  // namespace

void append_layer_keys(MultiHeadAttention::Impl& layer, TensorView key, TensorView value,
                       const LayerCache& cache) {
  const LayerInputs given{
      .query = no_tokens(key, layer.config.d_model), .key = key, .value = value ? value : key};
  check_layer_append(layer.config, given, cache);
  const LayerOptions none;
  if (key.dtype() == DType::f32) return LayerCall(layer, given, cache, none).append();
  const LayerInputs wide = widened_inputs(given, layer.workspace);
  LayerCall(layer, wide, cache, none).append();
}

AttentionReport run_layer(MultiHeadAttention::Impl& layer, const LayerInputs& inputs,
                          const LayerCache& cache, MutableTensorView out,
                          const LayerOptions& options) {
  LayerInputs given = inputs;
  if (options.cache_only) {
    given.key = no_tokens(given.query, layer.config.d_key);
    given.value = no_tokens(given.query, layer.config.d_value);
  }
  if (!given.key) given.key = given.query;
  if (!given.value) given.value = given.key;
  check_layer_call(layer.config, given, cache, out, options);
  if (given.query.dtype() == DType::f32) return LayerCall(layer, given, cache, options).run(out);
  const LayerInputs wide = widened_inputs(given, layer.workspace);
  if (out.dtype() == DType::f32) return LayerCall(layer, wide, cache, options).run(out);
  const MutableTensorView wide_out(layer.workspace.wide_out.reserve(out.numel()), out.shape());
  AttentionReport report = LayerCall(layer, wide, cache, options).run(wide_out);
  narrow_rows(wide_out, out);
  return report;
}

}  // namespace headlight
