#include "model/kv_cache.h"

#include <algorithm>
#include <string_view>

#include "core/error.h"
#include "core/threads.h"

namespace headlight {
namespace {

constexpr std::string_view kOp = "kv_cache";

void check_entry(std::string_view name, TensorView view, const KvCacheShape& c,
                 std::int64_t width) {
  check(view.rank() == 4 && view.dim(0) == c.batch && view.dim(2) == c.n_kv_heads &&
            view.dim(3) == width && view.stride(3) == 1,
        kOp, "{} {} does not fit the cache; it must be [{}, new keys, {}, {}], inner stride 1",
        name, view.shape(), c.batch, c.n_kv_heads, width);
  check(view.dtype() == DType::f32, kOp, "{} {} is {}; the cache holds f32", name, view.shape(),
        name_of(view.dtype()));
}

/// from [B, T, H, W] behind the first `length` keys of to [B, H, capacity, W].
void copy_in(TensorView from, std::int64_t length, MutableTensorView to) {
  const auto* source = from.as<float>();
  auto* target = to.as<float>();
  const std::int64_t heads = from.dim(2), width = from.dim(3);
  parallel_for(from.dim(0) * heads, [&](std::int64_t i) {
    const std::int64_t b = i / heads, h = i % heads;
    for (std::int64_t t = 0; t < from.dim(1); ++t)
      std::copy_n(source + b * from.stride(0) + t * from.stride(1) + h * from.stride(2), width,
                  target + b * to.stride(0) + h * to.stride(1) + (length + t) * to.stride(2));
  });
}

}  // namespace

KvCache::KvCache(const KvCacheShape& shape) : shape_(shape) {
  check(shape.batch >= 1 && shape.capacity >= 1 && shape.n_kv_heads >= 1 && shape.head_dim >= 1 &&
            shape.head_dim_v >= 1,
        kOp,
        "batch {}, capacity {}, n_kv_heads {}, head_dim {}, head_dim_v {}: all must be 1 or "
        "more",
        shape.batch, shape.capacity, shape.n_kv_heads, shape.head_dim, shape.head_dim_v);
  k_ = Tensor({shape.batch, shape.n_kv_heads, shape.capacity, shape.head_dim});
  v_ = Tensor({shape.batch, shape.n_kv_heads, shape.capacity, shape.head_dim_v});
}

void KvCache::append(TensorView k, TensorView v) {
  check_entry("k", k, shape_, shape_.head_dim);
  check_entry("v", v, shape_, shape_.head_dim_v);
  check(k.dim(1) == v.dim(1), kOp, "k {} and v {} hold different numbers of keys", k.shape(),
        v.shape());
  check(k.dim(1) <= room(), kOp, "{} more keys do not fit: {} of {} are taken", k.dim(1), length_,
        shape_.capacity);
  copy_in(k, length_, k_);
  copy_in(v, length_, v_);
  length_ += k.dim(1);
}

void KvCache::truncate(std::int64_t length) {
  check(0 <= length && length <= length_, kOp, "cannot truncate to {} keys; there are {}", length,
        length_);
  length_ = length;
}

TensorView KvCache::filled(const Tensor& stored) const {
  const std::int64_t width = stored.dim(3);
  return {stored.view().data(),
          DType::f32,
          {shape_.batch, length_, shape_.n_kv_heads, width},
          {stored.view().stride(0), width, shape_.capacity * width, 1}};
}

}  // namespace headlight
