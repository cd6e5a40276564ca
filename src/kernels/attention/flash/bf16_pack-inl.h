// Packing for the flash kernel on pairs of bf16: nothing is widened, pairs move as 4 bytes.

// Highway toggles HWY_TARGET_TOGGLE per target, which lets this file in once for each of them.
#if defined(HEADLIGHT_ATTENTION_FLASH_BF16_PACK_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef HEADLIGHT_ATTENTION_FLASH_BF16_PACK_INL_H
#undef HEADLIGHT_ATTENTION_FLASH_BF16_PACK_INL_H
#else
#define HEADLIGHT_ATTENTION_FLASH_BF16_PACK_INL_H
#endif

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "hwy/highway.h"
#include "kernels/attention/flash/pack-inl.h"
#include "kernels/attention/flash/tile.h"

#if HWY_TARGET == HWY_AVX3

HWY_BEFORE_NAMESPACE();
namespace headlight {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Floats from one panel of packed values, kRows elements of every pair of keys, to the next. A
/// line more than they take, as for kValuePanel.
constexpr size_t kPairPanel = static_cast<size_t>(kBlockKeys) / 2 * kRows + 16;

/// Pairs that n elements fill.
inline size_t PairsIn(size_t n) {
  return (n + 1) / 2;
}

/// The elements of one head at one position of a bf16 view.
inline const BFloat16* StoredRow(const FlashCall& call, const TensorView& view,
                                 std::int64_t position, std::int64_t head) {
  return view.as<BFloat16>() + call.batch * view.stride(0) + position * view.stride(1) +
         head * view.stride(2);
}

/// n elements as pairs; 0 beside the last one of an odd count. Copies bytes: rows of bf16 need not
/// lie where a float may.
inline void CopyPairs(const BFloat16* from, size_t n, float* to) {
  if (n % 2 != 0) to[n / 2] = 0;
  std::memcpy(to, from, n * sizeof(BFloat16));
}

/// The tile's queries, transposed onto the lanes, not scaled: most scales would round them.
inline void PackQueryPairs(const FlashCall& call, FlashScratch& scratch, const FlashTile& tile) {
  const auto head_dim = static_cast<size_t>(call.problem.head_dim);
  const size_t pairs = PairsIn(head_dim);
  if (tile.rows < tile.width) std::fill_n(tile.q_t, pairs * tile.width, 0.0f);
  for (size_t i = 0; i < tile.rows; ++i)
    CopyPairs(
        StoredRow(call, call.tensors.q, tile.q_begin + static_cast<std::int64_t>(i), tile.head),
        head_dim, scratch.rows + i * pairs);
  Transpose({scratch.rows, static_cast<std::int64_t>(pairs)}, tile.rows, pairs,
            {tile.q_t, static_cast<std::int64_t>(tile.width)});
}

/// Keys for ScoresOfPairs; the last one repeats to fill its register tile.
inline void PackKeyPairs(const FlashCall& call, FlashScratch& scratch) {
  constexpr size_t kElements = 2 * kChunk;
  const FlashBlock& block = *scratch.block;
  const auto head_dim = static_cast<size_t>(call.problem.head_dim);
  float* to = block.k;
  for (size_t j = 0; j < block.count; j += kRows)
    for (size_t e = 0; e < head_dim; e += kElements)
      for (size_t r = 0; r < kRows; ++r, to += kChunk) {
        const auto key = static_cast<std::int64_t>(std::min(j + r, block.count - 1));
        const BFloat16* row = StoredRow(call, call.tensors.k, block.begin + key, call.kv_head) + e;
        if (e + kElements <= head_dim)
          std::memcpy(to, row, kElements * sizeof(BFloat16));
        else
          CopyPairs(row, head_dim - e, to);
      }
}

/// The largest magnitudes met, as bits: infinities and NaNs are those from kInfinityBits on.
class LargestBits {
 public:
  HWY_INLINE void operator()(__m128i x) {
    largest_ = _mm_max_epi16(largest_, _mm_and_si128(x, _mm_set1_epi16(0x7FFF)));
  }
  bool finite() const {
    const __m128i bad = _mm_cmpgt_epi16(largest_, _mm_set1_epi16(kInfinityBits - 1));
    return _mm_movemask_epi8(bad) == 0;
  }

 private:
  static constexpr std::int16_t kInfinityBits = 0x7F80;
  __m128i largest_ = _mm_setzero_si128();
};

/// Up to kRows elements of a row; zeros for those past its end, or for no row at all.
HWY_INLINE __m128i LoadElements(const BFloat16* row, size_t n) {
  if (row == nullptr) return _mm_setzero_si128();
  alignas(16) BFloat16 tail[kRows] = {};
  if (n < kRows) row = static_cast<const BFloat16*>(std::memcpy(tail, row, n * sizeof(BFloat16)));
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(row));
}

/// The values of two neighbouring keys (`odd` may be null) as pairs, in panels of kRows elements.
inline void PackValuePair(const BFloat16* even, const BFloat16* odd, size_t n, float* to,
                          LargestBits& largest) {
  static_assert(kRows * sizeof(BFloat16) == sizeof(__m128i));
  for (size_t e = 0; e < n; e += kRows, to += kPairPanel) {
    const __m128i low = LoadElements(even + e, n - e);
    const __m128i high = LoadElements(odd ? odd + e : nullptr, n - e);
    largest(low);
    largest(high);
    _mm_store_ps(to, _mm_castsi128_ps(_mm_unpacklo_epi16(low, high)));
    _mm_store_ps(to + kRows / 2, _mm_castsi128_ps(_mm_unpackhi_epi16(low, high)));
  }
}

/// Moves infinities and NaNs of the packed block to its list; zeros take their place.
inline void SetAsideNonFinitePairs(const FlashCall& call, FlashBlock& block) {
  for (size_t j = 0; j < block.count; ++j) {
    const BFloat16* row =
        StoredRow(call, call.tensors.v, block.begin + static_cast<std::int64_t>(j), call.kv_head);
    for (size_t e = 0; e < static_cast<size_t>(call.problem.head_dim_v); ++e) {
      if (std::isfinite(to_float(row[e]))) continue;
      block.non_finite.push_back({j, e, to_float(row[e])});
      float* pair = block.v + e / kRows * kPairPanel + j / 2 * kRows + e % kRows;
      auto* at = reinterpret_cast<std::byte*>(pair);
      std::memset(at + j % 2 * sizeof(BFloat16), 0, sizeof(BFloat16));
    }
  }
}

inline void PackValuePairs(const FlashCall& call, FlashScratch& scratch) {
  FlashBlock& block = *scratch.block;
  const auto n = static_cast<size_t>(call.problem.head_dim_v);
  const auto row = [&](size_t j) {
    const auto key = block.begin + static_cast<std::int64_t>(j);
    return j < block.count ? StoredRow(call, call.tensors.v, key, call.kv_head) : nullptr;
  };
  LargestBits largest;
  for (size_t j = 0; j < block.count; j += 2)
    PackValuePair(row(j), row(j + 1), n, block.v + j / 2 * kRows, largest);
  block.non_finite.clear();
  if (!largest.finite()) SetAsideNonFinitePairs(call, block);
}

}  // namespace HWY_NAMESPACE
}  // namespace headlight
HWY_AFTER_NAMESPACE();

#endif  // HWY_TARGET == HWY_AVX3
#endif  // HEADLIGHT_ATTENTION_FLASH_BF16_PACK_INL_H
