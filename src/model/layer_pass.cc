#include "model/layer_pass.h"

#include <algorithm>
#include <numeric>

#include "kernels/attention/pairs.h"
#include "model/layer_masks.h"

namespace headlight {

LayerPass::LayerPass(MultiHeadAttention::Impl& layer, const LayerInputs& inputs,
                     const LayerCache& cache, const LayerOptions& options)
    : m_(layer), c_(layer.config), in_(inputs), cache_(cache), options_(options) {
  const bool packed = !options.cu_seqlens.empty();
  const auto sequences = [&](TensorView x, std::span<const std::int64_t> offsets) {
    return LayerSequences{packed ? std::ssize(offsets) - 1 : x.dim(0), x.dim(1), offsets};
  };
  queries_ = sequences(in_.query, options.cu_seqlens);
  keys_ = sequences(in_.key,
                    options.cu_seqlens_key.empty() ? options.cu_seqlens : options.cu_seqlens_key);
  if (options.cache_only) keys_ = {queries_.count, 0, {}};
}

double LayerPass::flops() const {
  const auto n = [](std::int64_t x) { return static_cast<double>(x); };
  const double q_out = n(c_.q_width()) * n(c_.d_model) + n(c_.z_width()) * n(c_.d_out);
  const double kv = n(c_.k_width()) * n(c_.d_key) + n(c_.v_width()) * n(c_.d_value);
  const double pairs = n(queries_.tokens()) * n(cache_ ? cache_.longest() : keys_.length);
  constexpr double kReadingAWeight = 24;  // from memory
  return kReadingAWeight * (q_out + kv) +
         2 * (n(queries_.tokens()) * q_out + n(keys_.tokens()) * kv +
              pairs * n(c_.q_width() + c_.z_width()));
}

bool LayerPass::fused() const {
  const bool self = in_.key.data() == in_.query.data() && c_.d_key == c_.d_model;
  return self && shared() && gap() == 0;
}

LayerHeads LayerPass::place(LayerActivations& memory) const {
  const std::int64_t kv_width = c_.k_width() + c_.v_width();
  const std::int64_t stride = c_.q_width() + (fused() ? kv_width : 0);
  LayerHeads heads;
  heads.q = {memory.q.reserve(queries_.tokens() * stride), stride, c_.n_heads, c_.head_dim};
  float* k = fused() ? heads.q.data + c_.q_width()
                     : memory.kv.reserve((keys_.tokens() + keys_.count * gap()) * kv_width);
  const std::int64_t kv_stride = fused() ? stride : kv_width;
  heads.k = {k, kv_stride, c_.n_kv_heads, c_.head_dim, gap()};
  heads.v = {k + c_.k_width(), kv_stride, c_.n_kv_heads, c_.head_dim_v, gap()};
  heads.z = {memory.z.reserve(queries_.tokens() * c_.z_width()), c_.z_width(), c_.n_heads,
             c_.head_dim_v};
  return heads;
}

LayerHeads LayerPass::place_apart(LayerActivations& memory) const {
  const std::int64_t rows = keys_.tokens() + keys_.count * gap();
  float* k = memory.kv.reserve(rows * (c_.k_width() + c_.v_width()));
  return {.q = {memory.q.reserve(queries_.tokens() * c_.q_width()), c_.q_width(), c_.n_heads,
                c_.head_dim},
          .k = {k, c_.k_width(), c_.n_kv_heads, c_.head_dim, gap()},
          .v = {k + rows * c_.k_width(), c_.v_width(), c_.n_kv_heads, c_.head_dim_v, gap()},
          .z = {memory.z.reserve(queries_.tokens() * c_.z_width()), c_.z_width(), c_.n_heads,
                c_.head_dim_v}};
}

void LayerPass::reserve_rotations() {
  if (!c_.rotary) return;
  const std::int64_t longest = cache_.longest() + std::max(queries_.length, keys_.length);
  LayerWorkspace& ws = m_.workspace;
  if (ws.rope.max_len() >= longest) return;
  ws.rope = RopeTable(rotary_frequencies(*c_.rotary), 2 * longest);
  ws.positions.resize(static_cast<std::size_t>(2 * longest));
  std::iota(ws.positions.begin(), ws.positions.end(), 0);
}

/// Whether padding can be left out by shortening each entry's keys: nothing else looks at them by
/// position from the end, or by the padded length.
bool LayerPass::can_shorten() const {
  return !options_.mask && !options_.bias && options_.requests.patterns.empty() &&
         !options_.requests.statistics && c_.causal == Causal::none && c_.window.left < 0 &&
         c_.window.right < 0 && !c_.alibi;
}

bool LayerPass::one_by_one() const {
  return queries_.packed() || (!options_.key_lengths.empty() && can_shorten());
}

LayerPart LayerPass::part(std::int64_t s) const {
  const std::int64_t keys = options_.key_lengths.empty()
                                ? keys_.size(s)
                                : options_.key_lengths[static_cast<std::size_t>(s)];
  return {.first = s,
          .whole = false,
          .q_len = queries_.size(s),
          .keys = cache_ ? cache_.length(s) : gap() + keys};
}

MutableTensorView LayerPass::query_view(const LayerRows& rows, const LayerPart& part) const {
  return part.whole ? rows.batch(queries_) : rows.sequence(queries_, part.first, part.q_len);
}

MutableTensorView LayerPass::key_view(const LayerRows& rows, const LayerPart& part) const {
  return part.whole ? rows.batch(keys_) : rows.sequence(keys_, part.first, part.keys);
}

MutableTensorView LayerPass::lse_view(MutableTensorView lse, const LayerPart& part) const {
  if (!lse || part.whole) return lse;
  const std::int64_t offset =
      queries_.packed() ? queries_.begin(part.first) * lse.stride(2) : part.first * lse.stride(0);
  return {lse.as<float>() + offset, {1, c_.n_heads, part.q_len}, lse.strides()};
}

AttentionTensors LayerPass::tensors(const LayerHeads& heads, MutableTensorView lse,
                                    const LayerPart& part) {
  AttentionTensors t{.q = query_view(heads.q, part),
                     .k = cache_ ? TensorView() : key_view(heads.k, part),
                     .v = cache_ ? TensorView() : key_view(heads.v, part),
                     .alibi_slopes = m_.alibi_slopes,
                     .sinks = m_.values(AttentionWeight::sinks),
                     .head_gate = options_.head_gate,
                     .z = query_view(heads.z, part),
                     .lse = lse_view(lse, part)};
  if (cache_) give_cached(t, part);
  if (part.whole || masked_positions(part)) add_masks(t, part);
  return t;
}

/// What read_cache() left, of one part.
void LayerPass::give_cached(AttentionTensors& t, const LayerPart& part) const {
  t.k = cached_.k;
  t.v = cached_.v;
  t.k_scale = cached_.k_scale;
  t.v_scale = cached_.v_scale;
  t.page_table = cached_.page_table;
  t.kv_lengths = cached_.kv_lengths;
  if (part.whole) return;
  const TensorView& table = cached_.page_table;
  t.page_table = TensorView(table.as<std::int32_t>() + part.first * table.stride(0),
                            {1, table.dim(1)}, table.strides());
  t.kv_lengths = cached_.kv_lengths.subspan(static_cast<std::size_t>(part.first), 1);
}

std::optional<LayerKeys::Positions> LayerPass::masked_positions(const LayerPart& part) const {
  if (gap() == 0 || (c_.causal == Causal::none && c_.window.right < 0)) return std::nullopt;
  const std::int64_t q_len = part.whole ? queries_.length : part.q_len;
  const std::int64_t keys = part.whole ? keys_.length : part.keys - gap();
  if (q_len <= keys) return std::nullopt;
  return LayerKeys::Positions{q_len, c_.causal == Causal::none ? c_.window.right : 0};
}

/// The caller's mask and bias, widened by the added keys and the padding.
void LayerPass::add_masks(AttentionTensors& t, const LayerPart& part) {
  const LayerKeys keys{.batch = t.q.dim(0),
                       .added = c_.added_keys(),
                       .own = (cache_ ? cache_.longest() : t.k.dim(1)) - c_.added_keys(),
                       .lengths = options_.key_lengths,
                       .positions = masked_positions(part)};
  t.mask = layer_mask(with_four_extents(options_.mask), keys, m_.workspace.mask);
  t.bias = layer_bias(with_four_extents(options_.bias), keys, m_.workspace.bias);
}

AttentionOptions LayerPass::attention_options(const LayerPart& part) const {
  Dropout dropout = options_.dropout;
  dropout.first_batch += part.first;
  const bool by_mask = masked_positions(part).has_value();
  return {.scale = c_.scale,
          .softcap = c_.softcap,
          .causal = by_mask ? Causal::none : c_.causal,
          .window = by_mask ? Window{} : c_.window,
          .dropout = dropout,
          .kernel = options_.kernel};
}

}  // namespace headlight
