// Keys and values of the tokens seen so far, side by side in memory.
#pragma once

#include <cstdint>

#include "core/tensor.h"

namespace headlight {

/// What a cache is made for.
struct KvCacheShape {
  std::int64_t batch = 1, capacity = 0;  ///< sequences, and keys of each
  std::int64_t n_kv_heads = 1, head_dim = 1, head_dim_v = 1;
};

/// A contiguous key/value cache in fp32: one memory block for keys and one for values, in which the
/// keys of one head follow each other, so that decoding reads memory in order. Allocates only when
/// it is made. All sequences of the batch have the same length.
class KvCache {
 public:
  explicit KvCache(const KvCacheShape& shape);

  const KvCacheShape& shape() const { return shape_; }
  std::int64_t length() const { return length_; }
  std::int64_t room() const { return shape_.capacity - length_; }
  /// Copies k [B, T, Hkv, D] and v [B, T, Hkv, Dv] (fp32, any strides with inner 1) behind the keys
  /// there are. Throws Error("kv_cache", ...) on another shape or when there is no room for T.
  void append(TensorView k, TensorView v);
  /// Forgets every key from `length` on, so that a continuation can be tried again.
  void truncate(std::int64_t length);

  TensorView keys() const { return filled(k_); }    ///< [B, length, Hkv, D]
  TensorView values() const { return filled(v_); }  ///< [B, length, Hkv, Dv]

 private:
  TensorView filled(const Tensor& stored) const;

  KvCacheShape shape_;
  Tensor k_, v_;  // [B, Hkv, capacity, D], [B, Hkv, capacity, Dv]
  std::int64_t length_ = 0;
};

}  // namespace headlight
