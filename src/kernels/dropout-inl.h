// The factors of dropout for a tile of pairs, many counters at a time, for every Highway target.
// Include after hwy/highway.h in a file that foreach_target.h includes once per target.

// Highway toggles HWY_TARGET_TOGGLE per target, which lets this file in once for each of them.
#if defined(HEADLIGHT_DROPOUT_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef HEADLIGHT_DROPOUT_INL_H
#undef HEADLIGHT_DROPOUT_INL_H
#else
#define HEADLIGHT_DROPOUT_INL_H
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "hwy/highway.h"
#include "kernels/dropout.h"

HWY_BEFORE_NAMESPACE();
namespace headlight {
namespace HWY_NAMESPACE {

/// Counters that are turned into random words together; the loops over them become vectors.
constexpr size_t kDropoutLanes = 16;

struct PhiloxLanes {
  std::uint32_t word[4][kDropoutLanes];

  /// philox4x32 of every lane under one key.
  HWY_INLINE void Mix(std::uint64_t seed) {
    auto key0 = static_cast<std::uint32_t>(seed), key1 = static_cast<std::uint32_t>(seed >> 32);
    for (int round = 0; round < 10; ++round) {
      for (size_t i = 0; i < kDropoutLanes; ++i) {
        const std::uint64_t a = std::uint64_t{0xD2511F53} * word[0][i];
        const std::uint64_t b = std::uint64_t{0xCD9E8D57} * word[2][i];
        word[0][i] = static_cast<std::uint32_t>(b >> 32) ^ word[1][i] ^ key0;
        word[2][i] = static_cast<std::uint32_t>(a >> 32) ^ word[3][i] ^ key1;
        word[1][i] = static_cast<std::uint32_t>(b);
        word[3][i] = static_cast<std::uint32_t>(a);
      }
      key0 += 0x9E3779B9;
      key1 += 0xBB67AE85;
    }
  }
};

/// Queries [query, query + width) of one row of masks against keys [key, key + keys).
struct DropoutTile {
  std::uint32_t row;  ///< as dropout_row() gives it
  std::int64_t query, key;
  size_t width, keys;  ///< width: any multiple of a vector
};

/// x[j][i] *= the factor of key j and query i; x is [keys, width].
inline void ApplyDropout(const Dropout& dropout, const DropoutTile& tile, float* HWY_RESTRICT x) {
  const std::uint32_t threshold = dropout.threshold();
  const float kept = dropout.kept();
  const std::int64_t end = tile.key + static_cast<std::int64_t>(tile.keys);
  for (std::int64_t group = tile.key / 4; group * 4 < end; ++group)
    for (size_t c = 0; c < tile.width; c += kDropoutLanes) {
      PhiloxLanes lanes;
      for (size_t i = 0; i < kDropoutLanes; ++i) {
        lanes.word[0][i] = static_cast<std::uint32_t>(group);
        lanes.word[1][i] =
            static_cast<std::uint32_t>(tile.query) + static_cast<std::uint32_t>(c + i);
        lanes.word[2][i] = tile.row;
        lanes.word[3][i] = dropout.offset;
      }
      lanes.Mix(dropout.seed);
      const size_t count = std::min(kDropoutLanes, tile.width - c);
      for (std::int64_t w = 0; w < 4; ++w) {
        const std::int64_t key = group * 4 + w;
        if (key < tile.key || key >= end) continue;
        float* HWY_RESTRICT row = x + static_cast<size_t>(key - tile.key) * tile.width + c;
        for (size_t i = 0; i < count; ++i)
          row[i] = lanes.word[w][i] < threshold ? 0.0f : row[i] * kept;
      }
    }
}

}  // namespace HWY_NAMESPACE
}  // namespace headlight
HWY_AFTER_NAMESPACE();

#endif  // HEADLIGHT_DROPOUT_INL_H
