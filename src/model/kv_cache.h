// Keys and values of the tokens seen so far, side by side in memory.
#pragma once

#include <cstdint>

#include "core/tensor.h"

namespace headlight {

/// What a cache is made for.
struct KvCacheShape {
  std::int64_t batch = 1, capacity = 0;  ///< sequences, and keys of each
  std::int64_t n_kv_heads = 1, head_dim = 1, head_dim_v = 1;
  DType dtype = DType::f32;  ///< how they are stored: f32, bf16, f16 or i8
};

/// A contiguous key/value cache: one memory block for keys and one for values, in which the keys of
/// one head follow each other, so that decoding reads memory in order. As i8 each head at each
/// position has a scale (kernels/attention/attention.h). Allocates only when it is made. All
/// sequences of the batch have the same length.
class KvCache {
 public:
  explicit KvCache(const KvCacheShape& shape);

  const KvCacheShape& shape() const { return shape_; }
  std::int64_t length() const { return length_; }
  std::int64_t room() const { return shape_.capacity - length_; }
  /// Copies k [B, T, Hkv, D] and v [B, T, Hkv, Dv] (fp32, any strides with inner 1) behind the keys
  /// there are, rounded to the cache's dtype. Throws Error("kv_cache", ...) on another shape, when
  /// there is no room for T, or when i8 would have to hold a NaN or an infinity.
  void append(TensorView k, TensorView v);
  /// Forgets every key from `length` on, so that a continuation can be tried again.
  void truncate(std::int64_t length);

  TensorView keys() const { return filled(k_); }    ///< [B, length, Hkv, D]
  TensorView values() const { return filled(v_); }  ///< [B, length, Hkv, Dv]
  /// fp32 [B, length, Hkv], what stored integers are multiplied by; empty unless the dtype is i8.
  TensorView key_scales() const { return filled(k_scale_); }
  TensorView value_scales() const { return filled(v_scale_); }

 private:
  void copy_in(TensorView from, Tensor& stored, Tensor& scale) const;
  TensorView filled(const Tensor& stored) const;

  KvCacheShape shape_;
  Tensor k_, v_;              // [B, Hkv, capacity, D], [B, Hkv, capacity, Dv]
  Tensor k_scale_, v_scale_;  // [B, Hkv, capacity], or none
  std::int64_t length_ = 0;
};

}  // namespace headlight
