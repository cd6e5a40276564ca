// Everything that can happen to a score between the product and the softmax: softcap, bias, ALiBi,
// masks. Only tiles that need it come here.

// Highway toggles HWY_TARGET_TOGGLE per target, which lets this file in once for each of them.
#if defined(HEADLIGHT_ATTENTION_FLASH_ADJUST_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef HEADLIGHT_ATTENTION_FLASH_ADJUST_INL_H
#undef HEADLIGHT_ATTENTION_FLASH_ADJUST_INL_H
#else
#define HEADLIGHT_ATTENTION_FLASH_ADJUST_INL_H
#endif

#include <cstddef>
#include <cstring>

#include "hwy/highway.h"
#include "kernels/attention/flash/pack-inl.h"
#include "kernels/attention/flash/softmax-inl.h"
#include "kernels/attention/flash/tile.h"
#include "kernels/dropout-inl.h"

HWY_BEFORE_NAMESPACE();
namespace headlight {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Scores of a tile against keys [begin, end) of a block: row j at scores + j * width.
struct TileScores {
  const FlashTile& tile;
  std::int64_t block_begin;
  size_t begin, end;
  float* HWY_RESTRICT scores;

  float* row(size_t j) const { return scores + j * tile.width; }
  std::int64_t key(size_t j) const { return block_begin + static_cast<std::int64_t>(j); }
};

/// Where the factors of dropout for these scores lie in the mask.
inline DropoutTile dropout_tile(const FlashCall& call, const TileScores& s) {
  const AttentionProblem& p = call.problem;
  return {.row = dropout_row(p.dropout, call.batch, p.n_heads, s.tile.head),
          .query = s.tile.q_begin,
          .key = s.key(s.begin),
          .width = s.tile.width,
          .keys = s.end - s.begin};
}

/// s := f(s, j, lane offset) for every vector of scores.
template <class F>
HWY_INLINE void ForEachVector(D d, const TileScores& s, const F& f) {
  for (size_t j = s.begin; j < s.end; ++j)
    for (size_t c = 0; c < s.tile.width; c += hn::Lanes(d)) {
      float* at = s.row(j) + c;
      hn::Store(f(hn::Load(d, at), j, c), d, at);
    }
}

/// The part of a [B, H, Tq, Tkv] view (extents may be 1) that belongs to a tile and a block.
template <class T>
struct Pairs {
  T* data;  ///< the tile's first query, the block's first key
  std::int64_t query_stride, key_stride;

  template <bool kMutable>
  Pairs(const BasicTensorView<kMutable>& view, const FlashCall& call, const TileScores& s) {
    const auto stride = [&](size_t i) { return view.dim(i) == 1 ? 0 : view.stride(i); };
    query_stride = stride(2);
    key_stride = stride(3);
    data = static_cast<T*>(view.data()) + call.batch * stride(0) + s.tile.head * stride(1) +
           s.tile.q_begin * query_stride + s.block_begin * key_stride;
  }
  T* at(size_t query, size_t j) const {
    return data + static_cast<std::int64_t>(query) * query_stride +
           static_cast<std::int64_t>(j) * key_stride;
  }
};

/// s * tanh(score / s).
inline void Softcap(D d, const TileScores& s, float cap) {
  const V inverse = hn::Set(d, 1.0f / cap);
  const V back = hn::Set(d, cap);
  ForEachVector(d, s, [&](V x, size_t, size_t) HWY_ATTR {
    return hn::Mul(Tanh(d, hn::Mul(x, inverse)), back);
  });
}

inline void AddBias(D d, const TileScores& s, const Pairs<const float>& bias, float* pairs) {
  const size_t width = s.tile.width;
  if (bias.key_stride == 1) {
    Transpose({bias.at(0, s.begin), bias.query_stride}, s.tile.rows, s.end - s.begin,
              {pairs + s.begin * width, static_cast<std::int64_t>(width)});
  } else {
    for (size_t j = s.begin; j < s.end; ++j)
      for (size_t i = 0; i < s.tile.rows; ++i) pairs[j * width + i] = *bias.at(i, j);
  }
  for (size_t j = s.begin; j < s.end; ++j)
    std::fill(pairs + j * width + s.tile.rows, pairs + (j + 1) * width, 0.0f);
  const V masked = hn::Set(d, kMinusInfinity);
  ForEachVector(d, s, [&](V x, size_t j, size_t c) HWY_ATTR {
    const V b = hn::Load(d, pairs + j * width + c);
    // Chosen, not added: the score may be NaN.
    return hn::IfThenElse(hn::Eq(b, masked), masked, hn::Add(b, x));
  });
}

/// slope * (key - position of the query).
inline void AddAlibi(D d, const TileScores& s, float slope, std::int64_t first_position) {
  const V factor = hn::Set(d, slope);
  ForEachVector(d, s, [&](V x, size_t j, size_t c) HWY_ATTR {
    const auto distance =
        static_cast<float>(s.key(j) - first_position - static_cast<std::int64_t>(c));
    return hn::MulAdd(factor, hn::Sub(hn::Set(d, distance), hn::Iota(d, 0)), x);
  });
}

/// Masks what causal and window keep from some of the tile's queries.
inline void MaskPositions(D d, const FlashCall& call, const TileScores& s) {
  const V masked = hn::Set(d, kMinusInfinity);
  for (size_t c = 0; c < s.tile.width; c += hn::Lanes(d)) {
    // Distances to the block are small, so exact in fp32.
    HWY_ALIGN float first[hn::MaxLanes(D())], last[hn::MaxLanes(D())];
    for (size_t i = 0; i < hn::Lanes(d); ++i) {
      const size_t query = std::min(c + i, s.tile.rows - 1);
      const auto keys = call.problem.keys_of(s.tile.q_begin + static_cast<std::int64_t>(query));
      first[i] =
          static_cast<float>(std::clamp<std::int64_t>(keys.first - s.block_begin, 0, kBlockKeys));
      last[i] =
          static_cast<float>(std::clamp<std::int64_t>(keys.last - s.block_begin, 0, kBlockKeys));
    }
    const V from = hn::Load(d, first);
    const V to = hn::Load(d, last);
    for (size_t j = s.begin; j < s.end; ++j) {
      if (s.key(j) >= s.tile.all.first && s.key(j) < s.tile.all.last) continue;
      const V key = hn::Set(d, static_cast<float>(j));
      const auto seen = hn::And(hn::Ge(key, from), hn::Lt(key, to));
      float* at = s.row(j) + c;
      hn::Store(hn::IfThenElse(seen, hn::Load(d, at), masked), d, at);
    }
  }
}

/// A mask that is the same for every query, such as one for padding.
inline void MaskKeys(const TileScores& s, const Pairs<const std::uint8_t>& mask) {
  for (size_t j = s.begin; j < s.end; ++j)
    if (*mask.at(0, j) == 0) std::fill_n(s.row(j), s.tile.width, kMinusInfinity);
}

/// True when the 8 bytes at p are all 1: a run of keys that this query attends to.
inline bool EightOnes(const std::uint8_t* p) {
  std::uint64_t word;
  std::memcpy(&word, p, sizeof(word));
  return word == 0x0101010101010101u;
}

inline void MaskPairs(const TileScores& s, const Pairs<const std::uint8_t>& mask) {
  for (size_t i = 0; i < s.tile.rows; ++i)
    for (size_t j = s.begin; j < s.end;) {
      if (mask.key_stride == 1 && j + 8 <= s.end && EightOnes(mask.at(i, j))) {
        j += 8;
        continue;
      }
      float& score = s.row(j)[i];
      score = *mask.at(i, j) != 0 ? score : kMinusInfinity;
      ++j;
    }
}

/// Softcap, bias, mask, in the order that DESIGN fixes; then the largest score of each query.
inline void AdjustScores(D d, const FlashCall& call, const TileScores& s, FlashScratch& scratch) {
  const AttentionProblem& p = call.problem;
  const AttentionTensors& t = call.tensors;
  if (p.softcap > 0) Softcap(d, s, p.softcap);
  if (t.bias) AddBias(d, s, Pairs<const float>(t.bias, call, s), scratch.pairs);
  if (!t.alibi_slopes.empty())
    AddAlibi(d, s, t.alibi_slopes[static_cast<size_t>(s.tile.head)], p.position(s.tile.q_begin));
  if (s.key(s.begin) < s.tile.all.first || s.key(s.end) > s.tile.all.last)
    MaskPositions(d, call, s);
  if (t.mask) {
    const Pairs<const std::uint8_t> mask(t.mask, call, s);
    mask.query_stride == 0 ? MaskKeys(s, mask) : MaskPairs(s, mask);
  }
  for (size_t c = 0; c < s.tile.width; c += hn::Lanes(d)) {
    V max = hn::Set(d, kMinusInfinity);
    for (size_t j = s.begin; j < s.end; ++j) max = hn::Max(max, hn::Load(d, s.row(j) + c));
    hn::Store(max, d, scratch.largest + c);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace headlight
HWY_AFTER_NAMESPACE();

#endif  // HEADLIGHT_ATTENTION_FLASH_ADJUST_INL_H
