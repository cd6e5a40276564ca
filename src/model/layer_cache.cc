#include "model/layer_cache.h"

namespace headlight {
namespace {

/// [1, T, H, D] without its first dimension.
TensorView without_batch(const TensorView& rows) {
  return {rows.as<float>(),
          {rows.dim(1), rows.dim(2), rows.dim(3)},
          {rows.stride(1), rows.stride(2), rows.stride(3)}};
}

}  // namespace

void LayerCache::append_one(std::int64_t s, const float* k, const float* v) const {
  const PagedKvCacheShape& c = pages_->shape();
  pages_->append(sequence(s), TensorView(k, {1, c.n_kv_heads, c.head_dim}),
                 TensorView(v, {1, c.n_kv_heads, c.head_dim_v}));
}

void LayerCache::append(const LayerHeads& heads, const LayerSequences& keys) const {
  if (whole_) return whole_->append(heads.k.batch(keys), heads.v.batch(keys));
  for (std::int64_t s = 0; pages_ && s < keys.count; ++s)
    pages_->append(sequence(s), without_batch(heads.k.sequence(keys, s, keys.size(s))),
                   without_batch(heads.v.sequence(keys, s, keys.size(s))));
}

void LayerCache::truncate(std::int64_t s, std::int64_t length) const {
  if (whole_) whole_->truncate(length);
  if (pages_) pages_->truncate(sequence(s), length);
}

void LayerCache::give(AttentionTensors& t) const {
  if (pages_) return pages_->give(sequences_, t);
  t.k = whole_->keys();
  t.v = whole_->values();
  t.k_scale = whole_->key_scales();
  t.v_scale = whole_->value_scales();
}

}  // namespace headlight
