// What the tiled backward pass works on: query tiles and key blocks packed for the two products of
// attention_flash_product-inl.h, and the way back to the gradients' own layouts.

// Highway toggles HWY_TARGET_TOGGLE per target, which lets this file in once for each of them.
#if defined(HEADLIGHT_ATTENTION_BACKWARD_TILE_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef HEADLIGHT_ATTENTION_BACKWARD_TILE_INL_H
#undef HEADLIGHT_ATTENTION_BACKWARD_TILE_INL_H
#else
#define HEADLIGHT_ATTENTION_BACKWARD_TILE_INL_H
#endif

#include <cmath>
#include <cstddef>
#include <limits>

#include "core/threads.h"
#include "hwy/highway.h"
#include "kernels/attention_backward.h"
#include "kernels/attention_flash_adjust-inl.h"
#include "kernels/attention_flash_pack-inl.h"
#include "kernels/attention_flash_product-inl.h"
#include "kernels/attention_flash_softmax-inl.h"
#include "kernels/attention_flash_tile.h"

HWY_BEFORE_NAMESPACE();
namespace headlight {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Keys whose dK and dV stay in L2 while all query tiles pass by.
constexpr std::int64_t kBackwardKeys = 4 * kBlockKeys;

/// `n` elements as whole vectors.
inline size_t Padded(std::int64_t n) {
  return round_up(static_cast<size_t>(n), hn::Lanes(D()));
}

struct BackwardCall {
  FlashCall flash;
  const AttentionGradients& gradients;
};

/// A tile of queries with everything the gradients of its pairs need.
struct BackwardTile {
  FlashTile flash;                 ///< q_t only
  const float* dz_t = nullptr;     ///< [head_dim_v, width]
  const float* q_rows = nullptr;   ///< column panels (see PackPanels)
  const float* dz_rows = nullptr;  ///< column panels, times the gate
  const float* lse = nullptr;      ///< [width]; +inf for dead rows and empty lanes
  const float* delta = nullptr;    ///< [width]
  float* dq_t = nullptr;           ///< [head_dim, width], added to
  float gate = 1;
};

/// A block of keys: K and V as panels, dK and dV as rows of whole vectors.
struct BackwardBlock {
  std::int64_t begin = 0;
  size_t count = 0;
  float* k_by_key = nullptr;      ///< packed for Scores
  float* v_by_key = nullptr;      ///< the same of V
  float* k_by_element = nullptr;  ///< panels of kRows elements, for AddValues
  float* d_k = nullptr;
  float* d_v = nullptr;
};

/// Working memory of one thread, kept for the next call.
struct BackwardScratch {
  FlashScratch flash;  ///< scores, pairs, largest, and shrink (all ones)
  Tensor storage;
  float* d_scores = nullptr;
  float* slopes = nullptr;  ///< d capped / d score
  float* q_t = nullptr;
  float* dz_t = nullptr;
  float* q_rows = nullptr;
  float* dz_rows = nullptr;
  float* lse = nullptr;
  float* delta = nullptr;
  std::array<BackwardBlock, kBackwardKeys / kBlockKeys> memory{};
  std::span<BackwardBlock> blocks;  ///< those in use
  BackwardBlock* block = nullptr;   ///< the current one
};

/// How a call is cut: query tiles of a key/value head, and runs of keys that go in parallel.
struct BackwardPlan {
  std::int64_t width, tiles, tile_floats, runs, kv_len;

  explicit BackwardPlan(const AttentionProblem& p)
      : width(static_cast<std::int64_t>(kTileVecs * hn::Lanes(D()))),
        tiles(p.n_heads / p.n_kv_heads * ((p.q_len + width - 1) / width)),
        tile_floats(width *
                    static_cast<std::int64_t>(round_up(static_cast<size_t>(p.head_dim), kRows))),
        kv_len(p.kv_len) {
    const std::int64_t heads = std::max<std::int64_t>(p.batch * p.n_kv_heads, 1);
    const std::int64_t blocks = std::max<std::int64_t>((kv_len + kBlockKeys - 1) / kBlockKeys, 1);
    const std::int64_t wanted = threads() == 1 ? 1 : (2 * threads() + heads - 1) / heads;
    runs = std::min(wanted, blocks);
  }
  AttentionProblem::KeyRange keys_of_run(std::int64_t run) const {
    const std::int64_t blocks = (kv_len + kBlockKeys - 1) / kBlockKeys;
    return {std::min(kv_len, run * blocks / runs * kBlockKeys),
            std::min(kv_len, (run + 1) * blocks / runs * kBlockKeys)};
  }
};

inline void Reserve(const AttentionProblem& p, BackwardScratch& s) {
  const size_t width = kTileVecs * hn::Lanes(D());
  const size_t keys = static_cast<size_t>(kBlockKeys) + kRows;
  const auto d = static_cast<size_t>(p.head_dim), dv = static_cast<size_t>(p.head_dim_v);
  std::vector<std::pair<float**, size_t>> parts = {
      {&s.flash.scores, keys * width},
      {&s.flash.pairs, keys * width},
      {&s.flash.largest, width},
      {&s.flash.shrink, width},
      {&s.d_scores, keys * width},
      {&s.slopes, keys * width},
      {&s.q_t, d * width},
      {&s.dz_t, dv * width},
      {&s.q_rows, Padded(p.head_dim) * width},
      {&s.dz_rows, Padded(p.head_dim_v) * width},
      {&s.lse, width},
      {&s.delta, width},
  };
  for (BackwardBlock& block : s.memory)
    parts.insert(parts.end(),
                 {{&block.k_by_key, keys * PackedKey(d)},
                  {&block.v_by_key, keys * PackedKey(dv)},
                  {&block.k_by_element, static_cast<size_t>(kBlockKeys) * round_up(d, kRows)},
                  {&block.d_k, keys * Padded(p.head_dim)},
                  {&block.d_v, keys * Padded(p.head_dim_v)}});
  lay_out(parts, s.storage);
  std::fill_n(s.flash.shrink, width, 1.0f);
}

/// Rows [begin, begin + rows) of one head of a [B, T, H, n] fp32 view.
inline Matrix<const float> RowsOf(TensorView view, std::int64_t batch, std::int64_t head,
                                  std::int64_t begin) {
  return {
      view.as<float>() + batch * view.stride(0) + begin * view.stride(1) + head * view.stride(2),
      view.stride(1)};
}

/// Calls f(first vector, vectors) for column panels of 1 to 3 vectors, as even as can be.
template <class F>
HWY_INLINE void ForEachPanel(size_t vectors, const F& f) {
  const size_t panels = (vectors + 2) / 3;
  for (size_t i = 0; i < panels; ++i)
    f(i * vectors / panels, (i + 1) * vectors / panels - i * vectors / panels);
}

/// Rows as column panels, one after another: panel [width, 1 to 3 vectors], zero past rows and n.
inline void PackPanels(Matrix<const float> from, size_t rows, size_t width, std::int64_t n,
                       float* to) {
  const size_t lanes = hn::Lanes(D());
  const auto columns = static_cast<size_t>(n);
  std::fill_n(to, width * Padded(n), 0.0f);
  ForEachPanel(Padded(n) / lanes, [&](size_t first, size_t vectors) {
    const size_t begin = first * lanes, end = std::min(columns, begin + vectors * lanes);
    for (size_t i = 0; i < rows; ++i)
      std::copy(from.row(i) + begin, from.row(i) + end, to + i * vectors * lanes);
    to += width * vectors * lanes;
  });
}

/// Keys [begin, end) of a run's rows, rounded to whole register tiles, of tiles `width` wide.
struct KeyRun {
  size_t begin, end, width;
};

/// out[j][.] += sum over i of a[j][i] * b[i][.] for one panel of b, kVecs vectors wide.
template <size_t kVecs>
void AddPanel(D d, const float* HWY_RESTRICT a, KeyRun run, const float* HWY_RESTRICT b,
              float* HWY_RESTRICT out, size_t out_stride) {
  const size_t lanes = hn::Lanes(d);
  for (size_t j = run.begin; j < run.end; j += kRows) {
    V acc[kRows][kVecs];
#pragma GCC unroll 8
    for (size_t r = 0; r < kRows; ++r)
#pragma GCC unroll 8
      for (size_t c = 0; c < kVecs; ++c)
        acc[r][c] = hn::Load(d, out + (j + r) * out_stride + c * lanes);
    Accumulate<kVecs>(d, RowsOperand{a + j * run.width, run.width}, b, run.width, acc);
#pragma GCC unroll 8
    for (size_t r = 0; r < kRows; ++r)
#pragma GCC unroll 8
      for (size_t c = 0; c < kVecs; ++c)
        hn::Store(acc[r][c], d, out + (j + r) * out_stride + c * lanes);
  }
}

/// out[j][0, n) += sum over the tile's queries i of a[j][i] * rows[i][0, n); rows as panels.
inline void AddToKeys(D d, const float* a, KeyRun run, const float* panels, std::int64_t n,
                      float* out) {
  const size_t lanes = hn::Lanes(d), stride = Padded(n);
  ForEachPanel(stride / lanes, [&](size_t first, size_t vectors) {
    float* to = out + first * lanes;
    if (vectors == 1) AddPanel<1>(d, a, run, panels, to, stride);
    if (vectors == 2) AddPanel<2>(d, a, run, panels, to, stride);
    if (vectors == 3) AddPanel<3>(d, a, run, panels, to, stride);
    panels += run.width * vectors * lanes;
  });
}

/// Keys [begin, end) into blocks, their gradients zero.
inline void PackBlocks(const BackwardCall& call, std::int64_t begin, std::int64_t end,
                       BackwardScratch& s) {
  const FlashCall& flash = call.flash;
  const AttentionProblem& p = flash.problem;
  const auto d = static_cast<size_t>(p.head_dim), dv = static_cast<size_t>(p.head_dim_v);
  size_t used = 0;
  for (; begin < end; begin += kBlockKeys, ++used) {
    BackwardBlock& block = s.memory[used];
    block.begin = begin;
    block.count = static_cast<size_t>(std::min(kBlockKeys, end - begin));
    const auto keys = RowsOf(flash.tensors.k, flash.batch, flash.kv_head, begin);
    PackForScores(keys, block.count, d, block.k_by_key);
    PackForScores(RowsOf(flash.tensors.v, flash.batch, flash.kv_head, begin), block.count, dv,
                  block.v_by_key);
    for (size_t e = 0; e < round_up(d, kRows); ++e)
      for (size_t j = 0; j < block.count; ++j)
        block.k_by_element[(e / kRows * static_cast<size_t>(kBlockKeys) + j) * kRows + e % kRows] =
            e < d ? keys.row(j)[e] : 0.0f;
    const size_t rows = round_up(block.count, kRows);
    std::fill_n(block.d_k, rows * Padded(p.head_dim), 0.0f);
    std::fill_n(block.d_v, rows * Padded(p.head_dim_v), 0.0f);
  }
  s.blocks = std::span(s.memory).first(used);
}

/// What of a tile does not depend on the keys: lse, delta = dz . z.
inline void PackRowSums(const BackwardCall& call, const FlashTile& place, BackwardScratch& s) {
  const FlashCall& flash = call.flash;
  const TensorView lse = flash.tensors.lse, z = flash.tensors.z;
  const auto dz = RowsOf(call.gradients.d_z, flash.batch, place.head, place.q_begin);
  const auto z_rows = RowsOf(z, flash.batch, place.head, place.q_begin);
  const auto n = static_cast<size_t>(flash.problem.head_dim_v);
  for (size_t i = 0; i < place.width; ++i) {
    s.lse[i] = std::numeric_limits<float>::infinity();
    s.delta[i] = 0;
    if (i >= place.rows) continue;
    const float value =
        lse.as<float>()[flash.batch * lse.stride(0) + place.head * lse.stride(1) +
                        (place.q_begin + static_cast<std::int64_t>(i)) * lse.stride(2)];
    if (value == kMinusInfinity) continue;
    s.lse[i] = value;
    double sum = 0;
    for (size_t e = 0; e < n; ++e) sum += static_cast<double>(dz.row(i)[e]) * z_rows.row(i)[e];
    s.delta[i] = static_cast<float>(sum);
  }
}

inline void ScaleBy(float factor, std::span<float> x) {
  for (float& value : x) value *= factor;
}

/// Packs one tile's queries and output gradients.
inline BackwardTile PackTile(const BackwardCall& call, const FlashTile& place, float* dq_t,
                             BackwardScratch& s) {
  const FlashCall& flash = call.flash;
  const AttentionProblem& p = flash.problem;
  const auto d = static_cast<size_t>(p.head_dim), dv = static_cast<size_t>(p.head_dim_v);
  const auto q = RowsOf(flash.tensors.q, flash.batch, place.head, place.q_begin);
  const auto dz = RowsOf(call.gradients.d_z, flash.batch, place.head, place.q_begin);
  const auto stride = static_cast<std::int64_t>(place.width);
  const auto& gates = flash.tensors.head_gate;
  BackwardTile tile{.flash = place,
                    .dz_t = s.dz_t,
                    .q_rows = s.q_rows,
                    .dz_rows = s.dz_rows,
                    .lse = s.lse,
                    .delta = s.delta,
                    .dq_t = dq_t,
                    .gate = gates.empty() ? 1.0f : gates[static_cast<size_t>(place.head)]};
  tile.flash.q_t = s.q_t;
  if (place.rows < place.width) {
    std::fill_n(s.q_t, d * place.width, 0.0f);
    std::fill_n(s.dz_t, dv * place.width, 0.0f);
  }
  Transpose(q, place.rows, d, {s.q_t, stride});
  Transpose(dz, place.rows, dv, {s.dz_t, stride});
  ScaleBy(p.scale, {s.q_t, d * place.width});
  PackPanels(q, place.rows, place.width, p.head_dim, s.q_rows);
  PackPanels(dz, place.rows, place.width, p.head_dim_v, s.dz_rows);
  if (tile.gate != 1) ScaleBy(tile.gate, {s.dz_rows, Padded(p.head_dim_v) * place.width});
  PackRowSums(call, place, s);
  return tile;
}

/// d capped / d score = 1 - tanh^2(score / cap), before the scores are capped.
inline void SoftcapSlopes(D d, const TileScores& s, float cap, float* HWY_RESTRICT slopes) {
  const V inverse = hn::Set(d, 1.0f / cap);
  for (size_t j = s.begin; j < s.end; ++j)
    for (size_t c = 0; c < s.tile.width; c += hn::Lanes(d)) {
      const V t = Tanh(d, hn::Mul(hn::Load(d, s.row(j) + c), inverse));
      hn::Store(hn::NegMulAdd(t, t, hn::Set(d, 1.0f)), d, slopes + j * s.tile.width + c);
    }
}

inline void StoreBlocks(const BackwardCall& call, const BackwardScratch& s) {
  const auto store = [&](MutableTensorView to, const BackwardBlock& block, const float* from) {
    const auto n = static_cast<size_t>(to.dim(3));
    for (size_t j = 0; j < block.count; ++j)
      std::copy_n(from + j * Padded(to.dim(3)), n,
                  to.as<float>() + call.flash.batch * to.stride(0) +
                      (block.begin + static_cast<std::int64_t>(j)) * to.stride(1) +
                      call.flash.kv_head * to.stride(2));
  };
  for (const BackwardBlock& block : s.blocks) {
    store(call.gradients.d_k, block, block.d_k);
    store(call.gradients.d_v, block, block.d_v);
  }
}

inline void AddTo(std::span<float> sum, const float* more) {
  for (size_t i = 0; i < sum.size(); ++i) sum[i] += more[i];
}

inline void StoreQueryGradient(const BackwardCall& call, const FlashTile& place,
                               const float* dq_t) {
  const MutableTensorView& to = call.gradients.d_q;
  Transpose({dq_t, static_cast<std::int64_t>(place.width)},
            static_cast<size_t>(call.flash.problem.head_dim), place.rows,
            {to.as<float>() + call.flash.batch * to.stride(0) + place.q_begin * to.stride(1) +
                 place.head * to.stride(2),
             to.stride(1)});
}

}  // namespace HWY_NAMESPACE
}  // namespace headlight
HWY_AFTER_NAMESPACE();

#endif  // HEADLIGHT_ATTENTION_BACKWARD_TILE_INL_H
