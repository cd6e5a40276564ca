// The cache that a layer call reads and appends to, of either kind.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "model/kv_cache.h"
#include "model/layer_sequences.h"
#include "model/paged_kv_cache.h"

namespace headlight {

/// A view of one kind of cache, or of none: entry s of the call is batch entry s of a contiguous
/// cache, or sequences[s] of a paged one.
class LayerCache {
 public:
  LayerCache() = default;
  explicit LayerCache(KvCache& whole) : whole_(&whole) {}
  LayerCache(PagedKvCache& pages, std::span<const std::int64_t> sequences)
      : pages_(&pages), sequences_(sequences) {}

  explicit operator bool() const { return whole_ || pages_; }
  const KvCache* whole() const { return whole_; }
  const PagedKvCache* pages() const { return pages_; }
  std::span<const std::int64_t> sequences() const { return sequences_; }

  /// Entries whose lengths may differ.
  std::int64_t count() const { return whole_ ? 1 : std::ssize(sequences_); }
  /// Keys that entry s has now; 0 without a cache.
  std::int64_t length(std::int64_t s) const {
    if (whole_) return whole_->length();
    return pages_ ? pages_->length(sequence(s)) : 0;
  }
  std::int64_t longest() const {
    std::int64_t most = 0;
    for (std::int64_t s = 0; s < count(); ++s) most = std::max(most, length(s));
    return most;
  }

  /// Copies one more key and value of every head behind those of entry s of a paged cache.
  void append_one(std::int64_t s, const float* k, const float* v) const;
  /// Copies the keys and values of a call behind those there are.
  void append(const LayerHeads& heads, const LayerSequences& keys) const;
  /// Forgets the keys of entry s from `length` on.
  void truncate(std::int64_t s, std::int64_t length) const;
  /// Makes entry s of `t` read this cache's entry s; holds until the cache is next changed.
  void give(AttentionTensors& t) const;

 private:
  std::int64_t sequence(std::int64_t s) const { return sequences_[static_cast<std::size_t>(s)]; }

  KvCache* whole_ = nullptr;
  PagedKvCache* pages_ = nullptr;
  std::span<const std::int64_t> sequences_ = {};
};

}  // namespace headlight
