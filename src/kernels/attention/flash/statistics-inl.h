// Reductions of a tile's pattern, and its rows, once the tile has met all its keys.
//
// A tile whose statistics are asked for keeps its weights of all keys, O(T) memory. Each block of
// them is under the maximum of its time; one factor for each query makes them the pattern.

// Highway toggles HWY_TARGET_TOGGLE per target, which lets this file in once for each of them.
#if defined(HEADLIGHT_ATTENTION_FLASH_STATISTICS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef HEADLIGHT_ATTENTION_FLASH_STATISTICS_INL_H
#undef HEADLIGHT_ATTENTION_FLASH_STATISTICS_INL_H
#else
#define HEADLIGHT_ATTENTION_FLASH_STATISTICS_INL_H
#endif

#include <cmath>
#include <cstddef>
#include <numbers>

#include "hwy/highway.h"
#include "kernels/attention/flash/attend-inl.h"
#include "kernels/attention/flash/statistics.h"

HWY_BEFORE_NAMESPACE();
namespace headlight {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Reduces one tile that has met all its keys.
class TileReducer {
 public:
  TileReducer(const FlashStatistics& statistics, const FlashCall& call, const FlashTile& tile,
              FlashScratch& scratch)
      : statistics_(statistics),
        request_(statistics.request()),
        call_(call),
        tile_(tile),
        scratch_(scratch) {}

  void run() {
    for (size_t i = 0; i < tile_.width; ++i)
      norm_[i] = i < tile_.rows ? static_cast<float>(FinishLane(call_, tile_, i).norm) : 0.0f;
    start_rows();
    const std::int64_t first = tile_.some.first, last = tile_.some.last;
    if (first < last) {
      scratch_.columns.assign(static_cast<size_t>(last - first), 0.0f);
      for (std::int64_t begin = first / kBlockKeys * kBlockKeys; begin < last; begin += kBlockKeys)
        reduce_block(begin, std::max(begin, first), std::min(begin + kBlockKeys, last));
      if (ColumnTotals* columns = statistics_.columns())
        columns->add(statistics_.slot(call_.batch, tile_.head), first, scratch_.columns);
    }
    finish_rows();
  }

 private:
  float* weights(std::int64_t key) const {
    return tile_.kept + static_cast<size_t>(key - tile_.kept_begin) * tile_.width;
  }

  /// Weights of keys [first, last) of a block become the pattern, which the sums take up.
  void reduce_block(std::int64_t begin, std::int64_t first, std::int64_t last) {
    const D d;
    WithVecs(tile_.width / hn::Lanes(d),
             [&](auto width) HWY_ATTR { normalise<width()>(d, begin, first, last); });
    if (request_.top_mass && request_.top_mass.dim(3) > 0)
      for (std::int64_t key = first; key < last; ++key) offer(d, key);
    if (request_.pattern) write_pattern(first, last);
  }

  template <size_t kWidth>
  void normalise(D d, std::int64_t begin, std::int64_t first, std::int64_t last) {
    const size_t lanes = hn::Lanes(d);
    const float* block_max = tile_.kept_max + static_cast<size_t>(begin - tile_.kept_begin) /
                                                  static_cast<size_t>(kBlockKeys) * tile_.width;
    V factor[kWidth], position[kWidth], distance[kWidth];
    for (size_t c = 0; c < kWidth; ++c) {
      const size_t lane = c * lanes;
      const V norm = hn::Load(d, norm_ + lane);
      const V behind = hn::Sub(hn::Load(d, block_max + lane), hn::Load(d, tile_.max + lane));
      // Lanes past the last query, and dead rows: 0, though `behind` may be NaN.
      factor[c] = hn::IfThenZeroElse(hn::Eq(norm, hn::Zero(d)), hn::Mul(Exp2(d, behind), norm));
      const std::int64_t at =
          call_.problem.position(tile_.q_begin + static_cast<std::int64_t>(lane)) - first;
      position[c] = hn::Add(hn::Iota(d, 0), hn::Set(d, static_cast<float>(at)));
      distance[c] = hn::Load(d, distance_ + lane);
    }
    float* HWY_RESTRICT at = weights(first);
    float* HWY_RESTRICT columns = scratch_.columns.data() + (first - tile_.some.first);
    for (std::int64_t j = 0; j < last - first; ++j, at += kWidth * lanes) {
      const V key = hn::Set(d, static_cast<float>(j));
      V column = hn::Zero(d);
      for (size_t c = 0; c < kWidth; ++c) {
        const V p = hn::IfThenZeroElse(hn::Eq(factor[c], hn::Zero(d)),
                                       hn::Mul(hn::Load(d, at + c * lanes), factor[c]));
        hn::Store(p, d, at + c * lanes);
        column = hn::Add(column, p);
        distance[c] = hn::MulAdd(p, hn::Abs(hn::Sub(position[c], key)), distance[c]);
      }
      columns[j] = hn::GetLane(hn::SumOfLanes(d, column));
    }
    for (size_t c = 0; c < kWidth; ++c) hn::Store(distance[c], d, distance_ + c * lanes);
  }

  /// Puts the masses of one key where they belong among the largest of each query.
  void offer(D d, std::int64_t key) {
    const float* p = weights(key);
    for (size_t c = 0; c < tile_.width; c += hn::Lanes(d)) {
      const auto larger = hn::Gt(hn::Load(d, p + c), hn::Load(d, smallest_ + c));
      if (hn::AllFalse(d, larger)) continue;
      for (size_t i = c; i < std::min(c + hn::Lanes(d), tile_.rows); ++i)
        if (p[i] > smallest_[i]) insert(i, p[i], static_cast<std::int32_t>(key));
    }
  }

  void insert(size_t lane, float p, std::int32_t key) {
    const std::int64_t k = request_.top_mass.dim(3);
    auto* mass = row<float>(request_.top_mass, lane);
    auto* keys = row<std::int32_t>(request_.top_keys, lane);
    std::int64_t at = k - 1;
    for (; at > 0 && mass[at - 1] < p; --at) {
      mass[at] = mass[at - 1];
      keys[at] = keys[at - 1];
    }
    mass[at] = p;
    keys[at] = key;
    smallest_[lane] = mass[k - 1];
  }

  /// Where the results of a lane's query begin.
  template <class T>
  T* row(const MutableTensorView& out, size_t lane) const {
    return out.as<T>() + row_offset(out, call_.batch, statistics_.index(tile_.head),
                                    tile_.q_begin + static_cast<std::int64_t>(lane));
  }
  /// Where the pattern of a chosen query begins, the n-th of them in all.
  float* pattern_row(std::int64_t n) const {
    return request_.pattern.as<float>() +
           row_offset(request_.pattern, call_.batch, statistics_.index(tile_.head), n);
  }

  void write_pattern(std::int64_t first, std::int64_t last) const {
    if (request_.pattern_queries.empty())
      return Transpose({weights(first), static_cast<std::int64_t>(tile_.width)},
                       static_cast<size_t>(last - first), tile_.rows,
                       {pattern_row(tile_.q_begin) + first, request_.pattern.stride(2)});
    for_each_chosen([&](std::int64_t query, float* to) {
      for (std::int64_t key = first; key < last; ++key)
        to[key] = weights(key)[query - tile_.q_begin];
    });
  }

  /// f(query, its row of the pattern) for the tile's chosen queries.
  template <class F>
  void for_each_chosen(const F& f) const {
    const auto last = tile_.q_begin + static_cast<std::int64_t>(tile_.rows);
    if (request_.pattern_queries.empty())
      for (std::int64_t query = tile_.q_begin; query < last; ++query) f(query, pattern_row(query));
    const auto chosen = statistics_.queries_in(tile_);
    for (const std::int64_t& query : chosen)
      f(query, pattern_row(&query - request_.pattern_queries.data()));
  }

  /// Zeros where no key comes by.
  void start_rows() const {
    for (size_t i = 0; request_.top_mass && i < tile_.rows; ++i) {
      std::fill_n(row<float>(request_.top_mass, i), request_.top_mass.dim(3), 0.0f);
      std::fill_n(row<std::int32_t>(request_.top_keys, i), request_.top_mass.dim(3), -1);
    }
    if (!request_.pattern) return;
    const std::int64_t first = tile_.some.first, last = std::max(first, tile_.some.last);
    for_each_chosen([&](std::int64_t, float* to) {
      std::fill(to, to + first, 0.0f);
      std::fill(to + last, to + call_.problem.kv_len, 0.0f);
    });
  }

  void finish_rows() const {
    for (size_t i = 0; i < tile_.rows; ++i) {
      if (request_.entropy) *row<float>(request_.entropy, i) = entropy(i);
      if (request_.distance) *row<float>(request_.distance, i) = distance_[i];
      if (!request_.offset_mass) continue;
      auto* out = row<float>(request_.offset_mass, i);
      for (const std::int64_t offset : request_.offsets) *out++ = offset_mass(i, offset);
    }
  }

  /// -sum p ln p of p = w * norm, from the sums of w and of w log2(w).
  float entropy(size_t lane) const {
    const double norm = norm_[lane];
    if (norm == 0) return 0;
    const double bits = norm * (tile_.surprise[lane] + std::log2(norm) * tile_.sum[lane]);
    return static_cast<float>(-bits * std::numbers::ln2);
  }

  float offset_mass(size_t lane, std::int64_t offset) const {
    const std::int64_t position =
        call_.problem.position(tile_.q_begin + static_cast<std::int64_t>(lane));
    // Compared by difference, so that no offset overflows.
    if (offset < tile_.some.first - position || offset >= tile_.some.last - position) return 0;
    return weights(position + offset)[lane];
  }

  static constexpr size_t kMaxWidth = kTileVecs * hn::MaxLanes(D());
  const FlashStatistics& statistics_;
  const AttentionStatistics& request_;
  const FlashCall& call_;
  const FlashTile& tile_;
  FlashScratch& scratch_;
  HWY_ALIGN float norm_[kMaxWidth] = {};
  HWY_ALIGN float distance_[kMaxWidth] = {};
  HWY_ALIGN float smallest_[kMaxWidth] = {};  ///< of the largest masses
};

}  // namespace HWY_NAMESPACE
}  // namespace headlight
HWY_AFTER_NAMESPACE();

#endif  // HEADLIGHT_ATTENTION_FLASH_STATISTICS_INL_H
