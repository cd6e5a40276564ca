// The register tiles of the matrix product: a few rows of a against a few panels of b.

// Highway toggles HWY_TARGET_TOGGLE per target, which lets this file in once for each of them.
#if defined(HEADLIGHT_GEMM_TILE_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef HEADLIGHT_GEMM_TILE_INL_H
#undef HEADLIGHT_GEMM_TILE_INL_H
#else
#define HEADLIGHT_GEMM_TILE_INL_H
#endif

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "hwy/highway.h"
#include "kernels/matmul/gemm.h"
#include "kernels/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace headlight {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using GemmD = hn::CappedTag<float, static_cast<size_t>(kPanelColumns)>;
using GemmV = hn::Vec<GemmD>;
constexpr size_t kPanelFloats = static_cast<size_t>(kPanelColumns);
constexpr size_t kPanelVecs = kPanelFloats / hn::MaxLanes(GemmD());

/// Most steps of k that a tile takes at once, and how much room a packed row has: off the powers of
/// two, so that rows do not compete for the same lines of L1.
constexpr size_t kDepth = 768;
constexpr size_t kRowStride = kDepth + kPanelFloats;

/// 9 rows x 3 panels take 27 of AVX-512's 32 registers for sums, 6 rows x 1 panel 12 of AVX2's 16.
#if HWY_TARGET <= HWY_AVX3
constexpr size_t kTileRows = 9;
constexpr size_t kTilePanels = 3;
/// Steps of a row that lie behind each other: those of all rows arrive in L1 together.
constexpr size_t kLineSteps = kPanelFloats;
/// Whether there are instructions to spare for asking L2 for later steps.
constexpr bool kAsksL2 = true;
constexpr size_t kFewRows = 6;
constexpr size_t kHalfRows = 14;
#else
constexpr size_t kTileRows = 12 / kPanelVecs > 0 ? 12 / kPanelVecs : 1;
constexpr size_t kTilePanels = 1;
constexpr size_t kLineSteps = kRowStride;
constexpr bool kAsksL2 = false;
constexpr size_t kFewRows = kTileRows < 3 ? kTileRows : 3;
constexpr size_t kHalfRows = kFewRows;
#endif

/// How the rows of a tile are packed. Few rows: [rows, kRowStride].
enum class RowOrder : std::uint8_t {
  lines,  ///< [steps / kLineSteps, rows, kLineSteps], as rows of contiguous steps come
  steps   ///< [steps, rows], as steps of contiguous rows come
};

struct GemmTile {
  const float* HWY_RESTRICT a;
  const void* b;  ///< panel p lies panel_stride floats behind panel p - 1
  size_t panel_stride, depth;
  std::array<float*, kTilePanels> c;  ///< where the first row of each panel goes
  size_t row_stride;
  size_t columns;     ///< of all panels; the last may be cut
  const float* bias;  ///< of the first panel on, or null
  bool add;           ///< what `from` holds, laid out as c: c itself or a residual
  std::array<const float*, kTilePanels> from;
  size_t from_stride;
  size_t panel_ahead;  ///< floats between a line of a panel and the one to ask for meanwhile
  /// What else to ask memory for: a line a step, ahead_step floats apart.
  const float* ahead;
  size_t ahead_step;
};

/// Vector v of row r of the tile: its place in c and in what is added, how many of its floats
/// exist.
struct TilePlace {
  float* at;
  const float* from;
  size_t columns;

  HWY_INLINE TilePlace(const GemmTile& t, size_t r, size_t v) {
    constexpr size_t kLanes = kPanelFloats / kPanelVecs;
    const size_t panel = v / kPanelVecs, lane = v % kPanelVecs * kLanes;
    at = t.c[panel] + r * t.row_stride + lane;
    from = t.from[panel] + r * t.from_stride + lane;
    columns = t.columns > v * kLanes ? std::min(t.columns - v * kLanes, kLanes) : 0;
  }
  HWY_INLINE GemmV Load(GemmD d) const {
    return columns == hn::Lanes(d) ? hn::LoadU(d, from) : LoadPartial(d, from, columns);
  }
  HWY_INLINE void Store(GemmD d, GemmV sum) const {
    columns == hn::Lanes(d) ? hn::StoreU(sum, d, at) : StorePartial(sum, d, at, columns);
  }
};

/// Panels as tiles read them: vector `vec` of step `step` as fp32.
struct FloatPanel {
  const float* data;
  HWY_INLINE FloatPanel From(size_t step) const { return {data + step * kPanelFloats}; }
  HWY_INLINE GemmV Load(GemmD d, size_t step, size_t vec) const {
    return hn::Load(d, data + step * kPanelFloats + vec * hn::Lanes(d));
  }
};
struct Float16Panel {
  const hwy::float16_t* data;
  HWY_INLINE Float16Panel From(size_t step) const { return {data + step * kPanelFloats}; }
  HWY_INLINE GemmV Load(GemmD d, size_t step, size_t vec) const {
    const hn::Rebind<hwy::float16_t, GemmD> half;
    return hn::PromoteTo(d, hn::Load(half, data + step * kPanelFloats + vec * hn::Lanes(d)));
  }
};
/// bf16: the halves of a 32-bit lane are two steps, and each half is the upper one of an fp32.
struct BFloat16Panel {
  const std::uint32_t* data;
  HWY_INLINE BFloat16Panel From(size_t even_step) const {
    return {data + even_step / 2 * kPanelFloats};
  }
  HWY_INLINE GemmV Load(GemmD d, size_t step, size_t vec) const {
    const hn::RebindToUnsigned<GemmD> du;
    const auto pair = hn::Load(du, data + step / 2 * kPanelFloats + vec * hn::Lanes(d));
    return hn::BitCast(
        d, step % 2 == 0 ? hn::ShiftLeft<16>(pair) : hn::And(pair, hn::Set(du, 0xFFFF0000u)));
  }
};

/// Writes the sums of a tile: with the bias, and added to what c holds, where that is asked.
template <size_t kVecs, size_t kRows>
HWY_INLINE void FinishSums(GemmD d, const GemmTile& t, GemmV (&sums)[kVecs][kRows]) {
  const size_t lanes = hn::Lanes(d);
  if (t.bias) {
#pragma GCC unroll 16
    for (size_t v = 0; v < kVecs; ++v) {
      const GemmV bias = hn::Load(d, t.bias + v * lanes);
#pragma GCC unroll 16
      for (size_t r = 0; r < kRows; ++r) sums[v][r] = hn::Add(sums[v][r], bias);
    }
  }
  if (HWY_LIKELY(t.columns == kVecs * lanes)) {
#pragma GCC unroll 16
    for (size_t v = 0; v < kVecs; ++v)
#pragma GCC unroll 16
      for (size_t r = 0; r < kRows; ++r) {
        const TilePlace place(t, r, v);
        const GemmV sum = t.add ? hn::Add(sums[v][r], hn::LoadU(d, place.from)) : sums[v][r];
        hn::StoreU(sum, d, place.at);
      }
    return;
  }
  HWY_ALIGN float copy[kVecs][kRows][hn::MaxLanes(GemmD())];
#pragma GCC unroll 16
  for (size_t v = 0; v < kVecs; ++v)
#pragma GCC unroll 16
    for (size_t r = 0; r < kRows; ++r) hn::Store(sums[v][r], d, copy[v][r]);
  for (size_t v = 0; v < kVecs; ++v)
    for (size_t r = 0; r < kRows; ++r) {
      const TilePlace place(t, r, v);
      const GemmV sum = hn::Load(d, copy[v][r]);
      place.Store(d, t.add ? hn::Add(sum, place.Load(d)) : sum);
    }
}

/// Asks for the lines of c that the tile will write, and for what will be added to them, so that
/// they are in L2 when it ends.
template <size_t kRows, size_t kPanels>
HWY_INLINE void PrefetchOutput(const GemmTile& t) {
#pragma GCC unroll 16
  for (size_t p = 0; p < kPanels; ++p)
#pragma GCC unroll 16
    for (size_t r = 0; r < kRows; ++r) __builtin_prefetch(t.c[p] + r * t.row_stride, 1, 3);
  if (!t.add || t.from[0] == t.c[0]) return;
  for (size_t p = 0; p < kPanels; ++p)
    for (size_t r = 0; r < kRows; ++r) __builtin_prefetch(t.from[p] + r * t.from_stride);
}

/// kRows x kPanels sums in registers: kRows + kPanels * kPanelVecs loads for kRows times as many
/// multiply-adds as there are vectors. What it reads streams from L2, so each step asks for lines
/// of later steps. One flat loop, which processors keep decoded: unrolled it is a fifth slower.
template <RowOrder kOrder, size_t kRows, size_t kPanels>
void RunTile(const GemmTile& t) {
  constexpr size_t kVecs = kPanels * kPanelVecs;
  constexpr size_t kRowStep = kOrder == RowOrder::lines ? kLineSteps : 1;
  const GemmD d;
  const size_t lanes = hn::Lanes(d);
  GemmV acc[kVecs][kRows];
#pragma GCC unroll 16
  for (size_t v = 0; v < kVecs; ++v)
#pragma GCC unroll 16
    for (size_t r = 0; r < kRows; ++r) acc[v][r] = hn::Zero(d);
  PrefetchOutput<kRows, kPanels>(t);
  const float* a = t.a;
  const float* HWY_RESTRICT b = static_cast<const float*>(t.b);
  const float* line = a + kRows * kPanelFloats;
  const float* ahead = t.ahead;
  const size_t stride = t.panel_stride, panel_ahead = t.panel_ahead, ahead_step = t.ahead_step;
  for (size_t i = 0; i != t.depth; ++i) {
    // By arithmetic, for a branch would cut the loop in two.
    const size_t lines = kLineSteps < kDepth ? i / kLineSteps : 0;
    const size_t at =
        kOrder == RowOrder::steps ? i * kRows : i + lines * ((kRows - 1) * kLineSteps);
    const float* later = b + panel_ahead;
    __builtin_prefetch(ahead, 0, 2);  // to L2
    ahead += ahead_step;
    if (kAsksL2) __builtin_prefetch(line);
    line += kRows;
    GemmV right[kVecs];
#pragma GCC unroll 16
    for (size_t v = 0; v < kVecs; ++v) {
      if (kAsksL2 && v % kPanelVecs == 0) __builtin_prefetch(later + v / kPanelVecs * stride);
      right[v] = hn::Load(d, b + v / kPanelVecs * stride + v % kPanelVecs * lanes);
    }
#pragma GCC unroll 16
    for (size_t r = 0; r < kRows; ++r) {
      const GemmV factor = hn::Set(d, a[at + r * kRowStep]);
#pragma GCC unroll 16
      for (size_t v = 0; v < kVecs; ++v) acc[v][r] = hn::MulAdd(factor, right[v], acc[v][r]);
    }
    b += kPanelFloats;
  }
  FinishSums(d, t, acc);
}

/// The same for so few rows that memory sets the pace: one panel, read in the order in which it
/// lies, with several sums for every element, so that additions need not wait for each other.
template <class Panel, size_t kRows>
void RunFewRows(const GemmTile& t) {
  constexpr size_t kSteps = kPanelVecs == 1 && kRows < 8 ? 4 : 2;
  constexpr size_t kVecs = kSteps * kPanelVecs;
  const GemmD d;
  GemmV acc[kRows][kVecs];
#pragma GCC unroll 16
  for (size_t v = 0; v < kVecs; ++v)
#pragma GCC unroll 16
    for (size_t r = 0; r < kRows; ++r) acc[r][v] = hn::Zero(d);
  const float* HWY_RESTRICT a = t.a;
  Panel panel{static_cast<decltype(Panel::data)>(t.b)};
  size_t i = 0;
  for (; i + kSteps <= t.depth; i += kSteps, a += kSteps, panel = panel.From(kSteps))
#pragma GCC unroll 32
    for (size_t v = 0; v < kVecs; ++v) {
      const GemmV right = panel.Load(d, v / kPanelVecs, v % kPanelVecs);
#pragma GCC unroll 16
      for (size_t r = 0; r < kRows; ++r)
        acc[r][v] = hn::MulAdd(hn::Set(d, a[r * kRowStride + v / kPanelVecs]), right, acc[r][v]);
    }
  for (size_t s = 0; i + s < t.depth; ++s)
#pragma GCC unroll 16
    for (size_t v = 0; v < kPanelVecs; ++v)
#pragma GCC unroll 16
      for (size_t r = 0; r < kRows; ++r)
        acc[r][v] = hn::MulAdd(hn::Set(d, a[r * kRowStride + s]), panel.Load(d, s, v), acc[r][v]);
  GemmV sums[kPanelVecs][kRows];
#pragma GCC unroll 16
  for (size_t v = 0; v < kPanelVecs; ++v)
#pragma GCC unroll 16
    for (size_t r = 0; r < kRows; ++r) {
      sums[v][r] = acc[r][v];
#pragma GCC unroll 16
      for (size_t s = 1; s < kSteps; ++s)
        sums[v][r] = hn::Add(sums[v][r], acc[r][s * kPanelVecs + v]);
    }
  FinishSums(d, t, sums);
}

using TileFunction = void (*)(const GemmTile&);

/// Tiles of 1, 2, ... rows.
using TilesByRows = std::array<TileFunction, kTileRows>;

template <RowOrder kOrder, size_t kPanels, size_t... kRowsLessOne>
constexpr TilesByRows TilesOf(std::index_sequence<kRowsLessOne...>) {
  return {&RunTile<kOrder, kRowsLessOne + 1, kPanels>...};
}
template <RowOrder kOrder, size_t... kPanelsLessOne>
constexpr auto TilesOfPanels(std::index_sequence<kPanelsLessOne...>) {
  constexpr auto kRows = std::make_index_sequence<kTileRows>();
  return std::array<TilesByRows, kTilePanels>{TilesOf<kOrder, kPanelsLessOne + 1>(kRows)...};
}
template <class Panel, size_t... kRowsLessOne>
constexpr auto FewRowsOf(std::index_sequence<kRowsLessOne...>) {
  return std::array<TileFunction, sizeof...(kRowsLessOne)>{&RunFewRows<Panel, kRowsLessOne + 1>...};
}

/// The tile of `rows` rows x `panels` panels.
inline TileFunction TileFor(RowOrder order, size_t rows, size_t panels) {
  constexpr auto kPanels = std::make_index_sequence<kTilePanels>();
  static constexpr auto kLines = TilesOfPanels<RowOrder::lines>(kPanels);
  static constexpr auto kSteps = TilesOfPanels<RowOrder::steps>(kPanels);
  return (order == RowOrder::lines ? kLines : kSteps)[panels - 1][rows - 1];
}

/// For products of at most kFewRows rows. Which of the two it is must not depend on how rows are
/// shared out to threads: they add in another order.
inline TileFunction FewRowsTileFor(size_t rows, DType panels) {
  constexpr auto kRows = std::make_index_sequence<kFewRows>();
  constexpr auto kMoreRows = std::make_index_sequence<kHalfRows>();
  static constexpr auto kFloat = FewRowsOf<FloatPanel>(kRows);
  static constexpr auto kFloat16 = FewRowsOf<Float16Panel>(kMoreRows);
  static constexpr auto kBFloat16 = FewRowsOf<BFloat16Panel>(kMoreRows);
  if (panels == DType::f32) return kFloat[rows - 1];
  return panels == DType::f16 ? kFloat16[rows - 1] : kBFloat16[rows - 1];
}

}  // namespace HWY_NAMESPACE
}  // namespace headlight
HWY_AFTER_NAMESPACE();

#endif  // HEADLIGHT_GEMM_TILE_INL_H
