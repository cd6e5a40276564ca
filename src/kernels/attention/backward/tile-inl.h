// What the tiled backward pass works on: query tiles and key blocks packed for the two products of
// attention_flash_product-inl.h, and the way back to the gradients' own layouts.

// Highway toggles HWY_TARGET_TOGGLE per target, which lets this file in once for each of them.
#if defined(HEADLIGHT_ATTENTION_BACKWARD_TILE_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef HEADLIGHT_ATTENTION_BACKWARD_TILE_INL_H
#undef HEADLIGHT_ATTENTION_BACKWARD_TILE_INL_H
#else
#define HEADLIGHT_ATTENTION_BACKWARD_TILE_INL_H
#endif

#include <cstddef>
#include <limits>

#include "hwy/highway.h"
#include "kernels/attention/backward/plan.h"
#include "kernels/attention/flash/adjust-inl.h"
#include "kernels/attention/flash/attend-inl.h"
#include "kernels/attention/flash/pack-inl.h"
#include "kernels/attention/flash/product-inl.h"
#include "kernels/attention/flash/softmax-inl.h"
#include "kernels/attention/flash/tile.h"

HWY_BEFORE_NAMESPACE();
namespace headlight {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Packed keys and their gradients that stay in L2 while all query tiles pass by.
constexpr std::int64_t kBackwardBytes = 1200 << 10;

/// `n` elements as whole vectors.
inline size_t Padded(std::int64_t n) {
  return round_up(static_cast<size_t>(n), hn::Lanes(D()));
}

/// One run of keys of one key/value head.
struct BackwardCall {
  FlashCall flash;
  const AttentionGradients& gradients;
  const BackwardShared& shared;
  MutableTensorView d_q;                          ///< the run's own
  HeadSums* sums = nullptr;                       ///< of the group's first query head
  std::int64_t next_batch = 0, next_kv_head = 0;  ///< that this thread will likely run next
};

/// A tile of queries with everything the gradients of its pairs need.
struct BackwardTile {
  FlashTile flash;                 ///< q_t only, times the scale
  const float* dz_t = nullptr;     ///< [head_dim_v, width]; times the gate, unless that is 0
  const float* q_rows = nullptr;   ///< column panels (see PackPanels), times the scale
  const float* dz_rows = nullptr;  ///< column panels, times the gate, unless that is 0
  const float* lse2 = nullptr;     ///< [width], times log2(e); +inf for dead rows and empty lanes
  const float* delta = nullptr;    ///< [width]
  float* dq_t = nullptr;           ///< [head_dim, width], to be multiplied by the scale
};

/// A block of keys: K and V as panels, dK and dV as column panels of kBlockKeys rows.
struct BackwardBlock {
  std::int64_t begin = 0;
  size_t count = 0;
  float* k_by_key = nullptr;      ///< for Scores
  float* v_by_key = nullptr;      ///< the same of V
  float* k_by_element = nullptr;  ///< panels of kRows elements, for AddValues
  float* d_k = nullptr;
  float* d_v = nullptr;

  std::int64_t end() const { return begin + static_cast<std::int64_t>(count); }
};

/// Working memory of one thread, kept for the next call.
struct BackwardScratch {
  FlashScratch flash;  ///< scores, pairs, largest, and ones
  Tensor storage;
  float* d_scores = nullptr;
  float* slopes = nullptr;  ///< d capped / d score
  float* kept = nullptr;    ///< what dropout multiplies by
  float* q_t = nullptr;
  float* dz_t = nullptr;
  float* q_rows = nullptr;
  float* dz_rows = nullptr;
  float* dq_t = nullptr;
  float* lse2 = nullptr;
  float* delta = nullptr;
  std::vector<BackwardBlock> memory;
  std::span<BackwardBlock> blocks;  ///< those in use
  BackwardBlock* block = nullptr;   ///< the current one
};

inline size_t BackwardWidth() {
  return kTileVecs * hn::Lanes(D());
}

/// Blocks that are packed at a time.
inline std::int64_t BlocksAtOnce(const AttentionProblem& p) {
  const size_t key = PackedKey(static_cast<size_t>(p.head_dim)) +
                     PackedKey(static_cast<size_t>(p.head_dim_v)) + 2 * Padded(p.head_dim) +
                     Padded(p.head_dim_v);
  const auto bytes = static_cast<std::int64_t>(key * sizeof(float)) * kBlockKeys;
  const std::int64_t needed = (p.kv_len + kBlockKeys - 1) / kBlockKeys;
  return std::clamp<std::int64_t>(kBackwardBytes / bytes, 1, std::max<std::int64_t>(needed, 1));
}

inline void Reserve(const AttentionProblem& p, BackwardScratch& s) {
  const size_t width = BackwardWidth();
  const size_t keys = static_cast<size_t>(kBlockKeys) + kRows;
  const auto d = static_cast<size_t>(p.head_dim), dv = static_cast<size_t>(p.head_dim_v);
  std::vector<std::pair<float**, size_t>>& parts = s.flash.parts;
  parts = {{&s.flash.scores, keys * width},
           {&s.flash.pairs, keys * width},
           {&s.flash.largest, width},
           {&s.flash.ones, width},
           {&s.d_scores, keys * width},
           {&s.slopes, p.softcap > 0 ? keys * width : 0},
           {&s.kept, p.dropout.p > 0 ? keys * width : 0},
           {&s.q_t, d * width},
           {&s.dz_t, dv * width},
           {&s.q_rows, Padded(p.head_dim) * width},
           {&s.dz_rows, Padded(p.head_dim_v) * width},
           {&s.dq_t, round_up(d, kRows) * width},
           {&s.lse2, width},
           {&s.delta, width}};
  s.memory.resize(static_cast<size_t>(BlocksAtOnce(p)));
  for (BackwardBlock& block : s.memory)
    parts.insert(parts.end(), {{&block.k_by_key, keys * PackedKey(d)},
                               {&block.v_by_key, keys * PackedKey(dv)},
                               {&block.k_by_element, round_up(d, kRows) / kRows * kValuePanel},
                               {&block.d_k, keys * Padded(p.head_dim)},
                               {&block.d_v, keys * Padded(p.head_dim_v)}});
  lay_out(parts, s.storage);
  std::fill_n(s.flash.ones, width, 1.0f);
}

/// Rows [begin, ..) of one head of a [B, T, H, n] fp32 view.
template <bool kMutable>
auto RowsOf(const BasicTensorView<kMutable>& view, std::int64_t batch, std::int64_t head,
            std::int64_t begin) {
  auto* data = view.template as<float>() + batch * view.stride(0) + begin * view.stride(1) +
               head * view.stride(2);
  return Matrix<std::remove_pointer_t<decltype(data)>>{data, view.stride(1)};
}

/// Vectors of a column panel at most, and rows of a register tile over one.
#if HWY_TARGET <= HWY_AVX3
constexpr size_t kPanelVecs = 4;
#else
constexpr size_t kPanelVecs = 3;
#endif
template <size_t kVecs>
constexpr size_t kPanelRows = kVecs > 3 ? kRows / 2 : kRows;

/// Calls f(first vector, vectors) for column panels of 1 to kPanelVecs vectors, as even as can be.
template <class F>
HWY_INLINE void ForEachPanel(size_t vectors, const F& f) {
  const size_t panels = (vectors + kPanelVecs - 1) / kPanelVecs;
  for (size_t i = 0; i < panels; ++i)
    f(i * vectors / panels, (i + 1) * vectors / panels - i * vectors / panels);
}

/// Rows times a factor as column panels, one after another: panel [width, vectors], zero past rows
/// and n.
inline void PackPanels(Matrix<const float> from, const FlashTile& place, std::int64_t n,
                       float factor, float* HWY_RESTRICT to) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  const auto columns = static_cast<size_t>(n);
  ForEachPanel(Padded(n) / lanes, [&](size_t first, size_t vectors) HWY_ATTR {
    for (size_t i = 0; i < place.rows; ++i) {
      const float* HWY_RESTRICT row = from.row(i);
      for (size_t e = first * lanes; e < (first + vectors) * lanes; e += lanes, to += lanes) {
        const V x =
            e + lanes <= columns ? hn::LoadU(d, row + e) : LoadPartial(d, row + e, columns - e);
        hn::Store(hn::Mul(x, hn::Set(d, factor)), d, to);
      }
    }
    const size_t missing = (place.width - place.rows) * vectors * lanes;
    std::fill_n(to, missing, 0.0f);
    to += missing;
  });
}

/// The same rows, n elements each, from their panels onto the lanes.
inline void PackLanes(const float* panels, const FlashTile& place, std::int64_t n, float* to) {
  const size_t lanes = hn::Lanes(D());
  const auto columns = static_cast<size_t>(n);
  ForEachPanel(Padded(n) / lanes, [&](size_t first, size_t vectors) HWY_ATTR {
    const size_t begin = first * lanes, end = std::min(columns, begin + vectors * lanes);
    Transpose({panels, static_cast<std::int64_t>(vectors * lanes)}, place.width, end - begin,
              {to + begin * place.width, static_cast<std::int64_t>(place.width)});
    panels += place.width * vectors * lanes;
  });
}

/// lse and delta of a tile's rows.
inline void PackRowSums(const BackwardCall& call, const FlashTile& place, BackwardScratch& s) {
  const FlashCall& flash = call.flash;
  const AttentionProblem& p = flash.problem;
  const TensorView& lse = flash.tensors.lse;
  const float* lse_rows = lse.as<float>() + flash.batch * lse.stride(0) +
                          place.head * lse.stride(1) + place.q_begin * lse.stride(2);
  const float* delta =
      call.shared.delta.data() + (flash.batch * p.n_heads + place.head) * p.q_len + place.q_begin;
  for (size_t i = 0; i < place.width; ++i) {
    const float value =
        i < place.rows ? lse_rows[static_cast<std::int64_t>(i) * lse.stride(2)] : kMinusInfinity;
    const bool dead = value == kMinusInfinity;
    s.lse2[i] = dead ? std::numeric_limits<float>::infinity() : value * kLog2e;
    s.delta[i] = dead ? 0 : delta[i];
  }
}

/// Packs one tile's queries and output gradients, and dQ as far as it has come.
inline BackwardTile PackTile(const BackwardCall& call, const FlashTile& place, BackwardScratch& s) {
  const FlashCall& flash = call.flash;
  const AttentionProblem& p = flash.problem;
  const auto q = RowsOf(flash.tensors.q, flash.batch, place.head, place.q_begin);
  const auto dz = RowsOf(call.gradients.d_z, flash.batch, place.head, place.q_begin);
  BackwardTile tile{.flash = place,
                    .dz_t = s.dz_t,
                    .q_rows = s.q_rows,
                    .dz_rows = s.dz_rows,
                    .lse2 = s.lse2,
                    .delta = s.delta,
                    .dq_t = s.dq_t};
  tile.flash.q_t = s.q_t;
  PackPanels(q, place, p.head_dim, p.scale, s.q_rows);
  PackPanels(dz, place, p.head_dim_v, place.gate == 0 ? 1 : place.gate, s.dz_rows);
  PackLanes(s.q_rows, place, p.head_dim, s.q_t);
  PackLanes(s.dz_rows, place, p.head_dim_v, s.dz_t);
  PackRowSums(call, place, s);
  if (place.gate == 0) return tile;
  std::fill_n(s.dq_t, round_up(static_cast<size_t>(p.head_dim), kRows) * place.width, 0.0f);
  return tile;
}

/// Keys [begin, end) of a run's rows, rounded to whole register tiles.
struct KeyRun {
  size_t begin, end;
};

/// Rows of scores, kWidth vectors each, as a left operand. The constant stride takes one register
/// for all eight rows.
template <size_t kWidth>
struct ScoreRows {
  const float* HWY_RESTRICT data;
  HWY_INLINE float operator()(size_t row, size_t i) const {
    return data[row * kWidth * hn::Lanes(D()) + i];
  }
};

/// out[j][.] += sum over i of a[j][i] * b[i][.] for one panel of b and of out, kVecs vectors wide.
template <size_t kWidth, size_t kVecs>
HWY_NOINLINE void AddPanel(D d, const float* HWY_RESTRICT a, KeyRun run,
                           const float* HWY_RESTRICT b, float* HWY_RESTRICT out, RowsAhead& ahead) {
  constexpr size_t kTileRows = kPanelRows<kVecs>;
  const size_t lanes = hn::Lanes(d), width = kWidth * lanes;
  a += run.begin * width;
  out += run.begin * kVecs * lanes;
  for (size_t j = run.begin; j < run.end; j += kTileRows) {
    ahead();
    V acc[kTileRows][kVecs];
#pragma GCC unroll 8
    for (size_t r = 0; r < kTileRows; ++r)
#pragma GCC unroll 8
      for (size_t c = 0; c < kVecs; ++c) acc[r][c] = hn::Load(d, out + (r * kVecs + c) * lanes);
    Accumulate<kVecs>(d, ScoreRows<kWidth>{a}, b, width, acc);
#pragma GCC unroll 8
    for (size_t r = 0; r < kTileRows; ++r)
#pragma GCC unroll 8
      for (size_t c = 0; c < kVecs; ++c) hn::Store(acc[r][c], d, out + (r * kVecs + c) * lanes);
    a += kTileRows * width;
    out += kTileRows * kVecs * lanes;
  }
}

/// What a tile gives to its keys: for each pair a factor, for each query a row of n elements.
struct KeyTerms {
  const float* factors;  ///< [keys, width]
  const float* panels;   ///< see PackPanels
  std::int64_t n;
};

/// out[j][0, n) += sum over the tile's queries i of factors[j][i] * rows[i][0, n), out as panels.
template <size_t kWidth>
void AddToKeys(D d, const KeyTerms& terms, KeyRun run, float* out, RowsAhead& ahead) {
  const size_t lanes = hn::Lanes(d);
  const float* panels = terms.panels;
  ForEachPanel(Padded(terms.n) / lanes, [&](size_t, size_t vectors) HWY_ATTR {
    WithVecs<kPanelVecs>(vectors, [&](auto vecs) HWY_ATTR {
      AddPanel<kWidth, vecs()>(d, terms.factors, run, panels, out, ahead);
    });
    panels += kWidth * lanes * vectors * lanes;
    out += static_cast<size_t>(kBlockKeys) * vectors * lanes;
  });
}

/// Keys [begin, end) into blocks, their gradients zero.
inline void PackBlocks(const BackwardCall& call, std::int64_t begin, std::int64_t end,
                       BackwardScratch& s) {
  const FlashCall& flash = call.flash;
  const AttentionProblem& p = flash.problem;
  const auto d = static_cast<size_t>(p.head_dim), dv = static_cast<size_t>(p.head_dim_v);
  const hn::CappedTag<float, kRows> dr;
  FiniteWatch unread(dr);  // the caller has made sure that all is finite
  size_t used = 0;
  for (; begin < end; begin += kBlockKeys, ++used) {
    BackwardBlock& block = s.memory[used];
    block.begin = begin;
    block.count = static_cast<size_t>(std::min(kBlockKeys, end - begin));
    const auto keys = RowsOf(flash.tensors.k, flash.batch, flash.kv_head, begin);
    PackForScores(keys, block.count, d, block.k_by_key);
    PackForScores(RowsOf(flash.tensors.v, flash.batch, flash.kv_head, begin), block.count, dv,
                  block.v_by_key);
    for (size_t j = 0; j < block.count; j += kRows)
      PackValueRows(dr, {keys.row(j), keys.stride}, std::min(kRows, block.count - j), d,
                    block.k_by_element + j * kRows, unread);
    const auto rows = static_cast<size_t>(kBlockKeys);
    std::fill_n(block.d_k, rows * Padded(p.head_dim), 0.0f);
    std::fill_n(block.d_v, rows * Padded(p.head_dim_v), 0.0f);
  }
  s.blocks = std::span(s.memory).first(used);
}

/// The first `rows` rows, n elements each, of column panels that are kBlockKeys rows.
inline void StorePanels(const float* from, size_t rows, size_t n, Matrix<float> to) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  ForEachPanel(round_up(n, lanes) / lanes, [&](size_t first, size_t vectors) HWY_ATTR {
    const float* HWY_RESTRICT at = from;
    for (size_t j = 0; j < rows; ++j) {
      float* HWY_RESTRICT row = to.row(j);
      for (size_t e = first * lanes; e < (first + vectors) * lanes; e += lanes, at += lanes) {
        if (e + lanes <= n)
          hn::StoreU(hn::Load(d, at), d, row + e);
        else
          StorePartial(hn::Load(d, at), d, row + e, n - e);
      }
    }
    from += static_cast<size_t>(kBlockKeys) * vectors * lanes;
  });
}

inline void StoreBlocks(const BackwardCall& call, const BackwardScratch& s) {
  const auto store = [&](const MutableTensorView& to, const BackwardBlock& block,
                         const float* from) {
    StorePanels(from, block.count, static_cast<size_t>(to.dim(3)),
                RowsOf(to, call.flash.batch, call.flash.kv_head, block.begin));
  };
  for (const BackwardBlock& block : s.blocks) {
    store(call.gradients.d_k, block, block.d_k);
    store(call.gradients.d_v, block, block.d_v);
  }
}

inline void ClearQueryGradient(const BackwardCall& call, const FlashTile& place) {
  const auto to = RowsOf(call.d_q, call.flash.batch, place.head, place.q_begin);
  for (size_t i = 0; i < place.rows; ++i) std::fill_n(to.row(i), call.flash.problem.head_dim, 0.0f);
}

/// The tile's dQ, times the scale, becomes its rows (`first`) or is added to them.
inline void StoreQueryGradient(const BackwardCall& call, const BackwardTile& tile, bool first,
                               BackwardScratch& s) {
  const AttentionProblem& p = call.flash.problem;
  const FlashTile& place = tile.flash;
  const auto n = static_cast<size_t>(p.head_dim);
  const Matrix<const float> from{tile.dq_t, static_cast<std::int64_t>(place.width)};
  const auto to = RowsOf(call.d_q, call.flash.batch, place.head, place.q_begin);
  const TimesFactor scaled{p.scale};
  if (first) return Transpose(from, n, place.rows, to, scaled);
  float* const rows = s.q_rows;  // packed anew for the next tile
  Transpose(from, n, place.rows, {rows, p.head_dim}, scaled);
  for (size_t i = 0; i < place.rows; ++i)
    for (size_t e = 0; e < n; ++e) to.row(i)[e] += rows[i * n + e];
}

}  // namespace HWY_NAMESPACE
}  // namespace headlight
HWY_AFTER_NAMESPACE();

#endif  // HEADLIGHT_ATTENTION_BACKWARD_TILE_INL_H
