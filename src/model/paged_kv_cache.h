// Keys and values of many sequences in pages of one block of memory.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "core/tensor.h"
#include "kernels/attention/attention.h"

namespace headlight {

/// What a paged cache is made for.
struct PagedKvCacheShape {
  std::int64_t pages = 0;      ///< shared by all sequences
  std::int64_t page_len = 64;  ///< keys of a page; decoding is fastest at multiples of 64
  std::int64_t n_kv_heads = 1, head_dim = 1, head_dim_v = 1;
  DType dtype = DType::f32;  ///< how they are stored: f32, bf16, f16 or i8
};

/// A key/value cache for sequences that come, grow and go (Kwon et al. 2023, section 4). A sequence
/// takes a page when it needs one and never moves; attention reads the pages where they are. Keys
/// and values are allocated when the cache is made. Errors are Error("paged_kv_cache", ...).
class PagedKvCache {
 public:
  explicit PagedKvCache(const PagedKvCacheShape& shape);

  const PagedKvCacheShape& shape() const { return shape_; }
  std::int64_t free_pages() const { return std::ssize(free_); }

  /// A new, empty sequence; returns its number, which no other sequence ever gets.
  std::int64_t start();
  /// Ends a sequence and takes its pages back.
  void end(std::int64_t sequence);
  std::int64_t length(std::int64_t sequence) const { return at(sequence).length; }
  /// Pages that `keys` more of the sequence would take.
  std::int64_t more_pages(std::int64_t sequence, std::int64_t keys) const {
    return pages_for(at(sequence).length + keys) - std::ssize(at(sequence).pages);
  }
  /// Copies k [T, Hkv, D] and v [T, Hkv, Dv] (fp32, any strides with inner 1) behind the sequence's
  /// keys, rounded to the cache's dtype. Throws, and leaves the sequence as it was, on another
  /// shape or when too few pages are free.
  void append(std::int64_t sequence, TensorView k, TensorView v);
  /// Forgets every key of the sequence from `length` on, and frees the pages that held only such.
  void truncate(std::int64_t sequence, std::int64_t length);

  /// Makes batch entry b of an attention call read sequences[b]: sets k, v, their scales,
  /// page_table and kv_lengths. They hold until the cache is next changed or asked.
  void give(std::span<const std::int64_t> sequences, AttentionTensors& tensors);

 private:
  struct Sequence {
    std::int64_t length = 0;
    std::vector<std::int32_t> pages;
  };

  const Sequence& at(std::int64_t sequence) const;
  std::int64_t pages_for(std::int64_t length) const;
  void release(Sequence& sequence, std::int64_t pages);
  void copy_in(const Sequence& to, TensorView from, Tensor& stored, Tensor& scale) const;

  PagedKvCacheShape shape_;
  Tensor k_, v_;              // [pages, Hkv, page_len, D], [pages, Hkv, page_len, Dv]
  Tensor k_scale_, v_scale_;  // [pages, Hkv, page_len], or none
  std::vector<std::int32_t> free_;
  std::map<std::int64_t, Sequence> sequences_;
  std::int64_t started_ = 0;
  std::vector<std::int32_t> table_;
  std::vector<std::int64_t> lengths_;
};

}  // namespace headlight
