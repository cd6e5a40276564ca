#include "model/kv_cache.h"

#include <string_view>

#include "core/error.h"
#include "core/threads.h"
#include "model/kv_storage.h"

namespace headlight {
namespace {

constexpr std::string_view kOp = "kv_cache";

void check_entry(std::string_view name, TensorView view, const KvCacheShape& c,
                 std::int64_t width) {
  check(view.rank() == 4 && view.dim(0) == c.batch && view.dim(2) == c.n_kv_heads &&
            view.dim(3) == width && view.stride(3) == 1,
        kOp, "{} {} does not fit the cache; it must be [{}, new keys, {}, {}], inner stride 1",
        name, view.shape(), c.batch, c.n_kv_heads, width);
  check(view.dtype() == DType::f32, kOp, "{} {} is {}; a cache is given f32, whatever it stores",
        name, view.shape(), name_of(view.dtype()));
}

}  // namespace

KvCache::KvCache(const KvCacheShape& shape) : shape_(shape) {
  check(shape.batch >= 1 && shape.capacity >= 1 && shape.n_kv_heads >= 1 && shape.head_dim >= 1 &&
            shape.head_dim_v >= 1,
        kOp,
        "batch {}, capacity {}, n_kv_heads {}, head_dim {}, head_dim_v {}: all must be 1 or "
        "more",
        shape.batch, shape.capacity, shape.n_kv_heads, shape.head_dim, shape.head_dim_v);
  check_storage(kOp, shape.dtype);
  const Shape rows{shape.batch, shape.n_kv_heads, shape.capacity};
  k_ = Tensor(shape.dtype, {rows[0], rows[1], rows[2], shape.head_dim});
  v_ = Tensor(shape.dtype, {rows[0], rows[1], rows[2], shape.head_dim_v});
  if (shape.dtype != DType::i8) return;
  k_scale_ = Tensor(rows);
  v_scale_ = Tensor(rows);
}

void KvCache::append(TensorView k, TensorView v) {
  check_entry("k", k, shape_, shape_.head_dim);
  check_entry("v", v, shape_, shape_.head_dim_v);
  check(k.dim(1) == v.dim(1), kOp, "k {} and v {} hold different numbers of keys", k.shape(),
        v.shape());
  check(k.dim(1) <= room(), kOp, "{} more keys do not fit: {} of {} are taken", k.dim(1), length_,
        shape_.capacity);
  copy_in(k, k_, k_scale_);
  copy_in(v, v_, v_scale_);
  length_ += k.dim(1);
}

void KvCache::truncate(std::int64_t length) {
  check(0 <= length && length <= length_, kOp, "cannot truncate to {} keys; there are {}", length,
        length_);
  length_ = length;
}

/// from [B, T, H, W] behind the first `length_` keys of stored [B, H, capacity, W].
void KvCache::copy_in(TensorView from, Tensor& stored, Tensor& scale) const {
  const auto* source = from.as<float>();
  auto* target = static_cast<std::byte*>(stored.view().data());
  const std::int64_t heads = from.dim(2), width = from.dim(3);
  const auto element = static_cast<std::int64_t>(size_of(shape_.dtype));
  float* scales = scale ? scale.span<float>().data() : nullptr;
  parallel_for(from.dim(0) * heads, [&](std::int64_t i) {
    const std::int64_t b = i / heads, h = i % heads;
    for (std::int64_t t = 0; t < from.dim(1); ++t) {
      const std::int64_t row = i * shape_.capacity + length_ + t;
      store_head(kOp,
                 {source + b * from.stride(0) + t * from.stride(1) + h * from.stride(2),
                  static_cast<std::size_t>(width)},
                 shape_.dtype, target + row * width * element, scales ? scales + row : nullptr);
    }
  });
}

TensorView KvCache::filled(const Tensor& stored) const {
  return positions_of(stored, length_);
}

}  // namespace headlight
