#include "kernels/attention_flash.h"

#include <cmath>
#include <cstddef>
#include <numbers>

#include "core/threads.h"
#include "kernels/attention_flash_tile.h"
#include "kernels/flush_denormals.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/attention_flash.cc"
#include "hwy/cache_control.h"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/attention_flash_adjust-inl.h"
#include "kernels/attention_flash_pack-inl.h"
#include "kernels/attention_flash_product-inl.h"
#include "kernels/attention_flash_softmax-inl.h"

HWY_BEFORE_NAMESPACE();
namespace headlight {
namespace HWY_NAMESPACE {
namespace {

/// Packed queries and unfinished outputs that one unit of work holds; they stay in L2.
constexpr std::int64_t kStateBytes = 1200 << 10;

size_t TileWidth() {
  return kTileVecs * hn::Lanes(D());
}

/// Floats that a tile's arrays take.
size_t TileFloats(const AttentionProblem& p) {
  return TileWidth() *
         (static_cast<size_t>(p.head_dim) + round_up(static_cast<size_t>(p.head_dim_v), kRows) + 2);
}

/// Lays the thread's working memory out for `tiles` tiles of this problem.
void Reserve(const AttentionProblem& p, size_t tiles, FlashScratch& scratch) {
  const size_t width = TileWidth();
  const auto head_dim = static_cast<size_t>(p.head_dim);
  const auto head_dim_v = static_cast<size_t>(p.head_dim_v);
  const size_t keys = static_cast<size_t>(kBlockKeys) + kRows;
  const std::pair<float**, size_t> parts[] = {
      {&scratch.block.k, keys * head_dim},
      {&scratch.block.v, static_cast<size_t>(kBlockKeys) * round_up(head_dim_v, kRows)},
      {&scratch.scores, keys * width},
      {&scratch.pairs, keys * width},
      {&scratch.largest, width},
      {&scratch.shrink, width},
      {&scratch.rows, std::max(width, kRows) * std::max(head_dim, head_dim_v)},
      {&scratch.state, tiles * TileFloats(p)},
  };
  lay_out(parts, scratch.storage);
}

/// Tile `index` of a key/value head, its arrays at `state`, before any key.
HWY_NOINLINE FlashTile MakeTile(const FlashCall& call, std::int64_t index, float* state) {
  const AttentionProblem& p = call.problem;
  FlashTile tile = place_tile(call, index, static_cast<std::int64_t>(TileWidth()), hn::Lanes(D()));
  tile.q_t = state;
  tile.z_t = tile.q_t + tile.width * static_cast<size_t>(p.head_dim);
  tile.max = tile.z_t + tile.width * round_up(static_cast<size_t>(p.head_dim_v), kRows);
  tile.sum = tile.max + tile.width;
  std::fill(tile.z_t, tile.max, 0.0f);
  std::fill_n(tile.max, tile.width, kMinusInfinity);
  std::fill_n(tile.sum, tile.width, 0.0f);
  return tile;
}

/// z_t += weight * value for the pairs that attend; the others must not meet the value.
template <size_t kVecs>
void AddNonFinite(D d, const FlashBlock& block, const TileScores& weights) {
  const FlashTile& tile = weights.tile;
  for (const NonFinite& v : block.non_finite) {
    if (v.key < weights.begin || v.key >= weights.end) continue;
    for (size_t c = 0; c < tile.width; c += hn::Lanes(d)) {
      const V w = hn::Load(d, weights.row(v.key) + c);
      float* at = tile.z_t + v.element * tile.width + c;
      const V z = hn::Load(d, at);
      const V more = hn::MulAdd(w, hn::Set(d, v.value), z);
      hn::Store(hn::IfThenElse(hn::Eq(w, hn::Zero(d)), z, more), d, at);
    }
  }
}

/// Folds one block of keys into a tile's running softmax and output.
template <size_t kVecs>
void AttendBlock(const FlashCall& call, const FlashTile& tile, FlashScratch& scratch) {
  const D d;
  const AttentionProblem& p = call.problem;
  const FlashBlock& block = scratch.block;
  const auto head_dim = static_cast<size_t>(p.head_dim);
  const auto count = static_cast<std::int64_t>(block.count);
  const std::int64_t from = std::max<std::int64_t>(tile.some.first - block.begin, 0);
  const std::int64_t to = std::min(tile.some.last - block.begin, count);
  if (from >= to) return;
  const TileScores s{tile, block.begin, static_cast<size_t>(from), static_cast<size_t>(to),
                     scratch.scores};
  const size_t aligned = s.begin / kRows * kRows;

  std::fill_n(scratch.largest, tile.width, kMinusInfinity);
  Scores<kVecs>(d, block.k + aligned * head_dim, s.end - aligned, tile.q_t, head_dim,
                s.row(aligned), scratch.largest);
  const bool positions = s.key(s.begin) < tile.all.first || s.key(s.end) > tile.all.last;
  const bool whole = aligned == s.begin && (s.end == block.count || s.end % kRows == 0);
  if (positions || !whole || p.softcap > 0 || p.has(Extra::mask) || p.has(Extra::bias) ||
      p.has(Extra::alibi))
    AdjustScores(d, call, s, scratch);
  Weigh<kVecs>(d, s.row(s.begin), s.end - s.begin, scratch.largest,
               {tile.max, tile.sum, scratch.shrink});
  AddValues<kVecs>(d, block.v + s.begin * kRows, static_cast<size_t>(kBlockKeys) * kRows,
                   s.end - s.begin, s.row(s.begin), scratch.shrink,
                   static_cast<size_t>(p.head_dim_v), tile.z_t);
  if (!block.non_finite.empty()) AddNonFinite<kVecs>(d, block, s);
}

void AttendBlockOfWidth(const FlashCall& call, const FlashTile& tile, FlashScratch& scratch) {
  static_assert(kTileVecs == 3);
  switch (tile.width / hn::Lanes(D())) {
    case 1:
      return AttendBlock<1>(call, tile, scratch);
    case 2:
      return AttendBlock<2>(call, tile, scratch);
    default:
      return AttendBlock<3>(call, tile, scratch);
  }
}

/// What lane i of z_t is multiplied by (gate / sum), and its log-sum-exp.
struct LaneResult {
  float factor, lse;
};
LaneResult FinishLane(const FlashCall& call, const FlashTile& tile, size_t lane) {
  const AttentionTensors& t = call.tensors;
  const auto head = static_cast<size_t>(tile.head);
  const float max = tile.max[lane];
  if (max == kMinusInfinity) return {0.0f, kMinusInfinity};
  const double gate = t.head_gate.empty() ? 1.0 : t.head_gate[head];
  // Sums are kept under 2^max; a sink above it moves both to 2^sink, or 2^(sink - max) overflows.
  const double sink = t.sinks.empty() ? kMinusInfinity : t.sinks[head] * std::numbers::log2e;
  const double shift = std::max<double>(max, sink);
  const double shrink = std::exp2(max - shift);
  const double sum = tile.sum[lane] * shrink + std::exp2(sink - shift);
  const double lse = t.lse ? (shift + std::log2(sum)) * std::numbers::ln2 : 0.0;
  return {static_cast<float>(gate * shrink / sum), static_cast<float>(lse)};
}

HWY_NOINLINE void FinishTile(const FlashCall& call, const FlashTile& tile, FlashScratch& scratch) {
  const MutableTensorView& lse = call.tensors.lse;
  for (size_t i = 0; i < tile.width; ++i) {
    const LaneResult result = FinishLane(call, tile, i);
    scratch.shrink[i] = result.factor;
    if (lse && i < tile.rows)
      lse.as<float>()[call.batch * lse.stride(0) + tile.head * lse.stride(1) +
                      (tile.q_begin + static_cast<std::int64_t>(i)) * lse.stride(2)] = result.lse;
  }
  StoreOutput(call, scratch, scratch.shrink, tile);
}

void PrefetchRow(const FlashCall& call, const TensorView& view, std::int64_t row) {
  constexpr std::int64_t kLine = 64;
  const auto element = static_cast<std::int64_t>(size_of(view.dtype()));
  const char* at = static_cast<const char*>(view.data()) +
                   element * (call.batch * view.stride(0) + row * view.stride(1) +
                              call.kv_head * view.stride(2));
  for (std::int64_t i = 0; i < view.dim(3) * element; i += kLine) hwy::Prefetch(at + i);
}

/// Asks for share `index` of `shares` of the next block's rows, which lie far apart in memory,
/// while a tile keeps the FMA units busy.
void PrefetchShare(const FlashCall& call, std::int64_t begin, std::int64_t end, size_t index,
                   size_t shares) {
  const auto row = [&](size_t share) {
    return begin + static_cast<std::int64_t>(share * static_cast<size_t>(kBlockKeys) / shares);
  };
  for (std::int64_t j = row(index); j < std::min(row(index + 1), end); ++j) {
    PrefetchRow(call, call.tensors.k, j);
    PrefetchRow(call, call.tensors.v, j);
  }
}

/// Tiles [first, last) of one key/value head against all the keys they may see, a block at a time.
void AttendTiles(const FlashCall& call, std::int64_t first, std::int64_t last,
                 FlashScratch& scratch) {
  const AttentionProblem& p = call.problem;
  AttentionProblem::KeyRange keys{p.kv_len, 0};
  scratch.tiles.clear();
  for (std::int64_t i = first; i < last; ++i) {
    float* state = scratch.state + static_cast<size_t>(i - first) * TileFloats(p);
    const FlashTile& tile = scratch.tiles.emplace_back(MakeTile(call, i, state));
    PackQueries(call, scratch, p.scale, tile);
    keys.first = std::min(keys.first, tile.some.first);
    keys.last = std::max(keys.last, tile.some.last);
  }
  FlashBlock& block = scratch.block;
  for (block.begin = keys.first; block.begin < keys.last; block.begin += kBlockKeys) {
    block.count = static_cast<size_t>(std::min(kBlockKeys, keys.last - block.begin));
    PackKeys(call, scratch);
    PackValues(call, scratch.row, block);
    for (size_t i = 0; i < scratch.tiles.size(); ++i) {
      PrefetchShare(call, block.begin + kBlockKeys, keys.last, i, scratch.tiles.size());
      AttendBlockOfWidth(call, scratch.tiles[i], scratch);
    }
  }
  for (const FlashTile& tile : scratch.tiles) FinishTile(call, tile, scratch);
}

/// Tiles per unit of work: as many as share one packing of K and V within kStateBytes, but enough
/// units to keep every thread busy to the end.
std::int64_t TilesPerUnit(const AttentionProblem& p, std::int64_t tiles) {
  const std::int64_t bytes = static_cast<std::int64_t>(TileFloats(p) * sizeof(float));
  std::int64_t most = std::max<std::int64_t>(kStateBytes / bytes, 1);
  constexpr std::int64_t kUnitsPerThread = 4;
  if (threads() > 1)
    most = std::min(most, tiles * p.batch * p.n_kv_heads / (kUnitsPerThread * threads()));
  const std::int64_t units =
      (tiles + std::max<std::int64_t>(most, 1) - 1) / std::max<std::int64_t>(most, 1);
  return (tiles + units - 1) / units;
}

void RunFlash(const AttentionProblem& p, const AttentionTensors& tensors) {
  const auto width = static_cast<std::int64_t>(TileWidth());
  const std::int64_t tiles = p.n_heads / p.n_kv_heads * ((p.q_len + width - 1) / width);
  if (tiles == 0 || p.batch == 0) return;
  const std::int64_t per_unit = TilesPerUnit(p, tiles);
  const std::int64_t units = (tiles + per_unit - 1) / per_unit;
  parallel_for(p.batch * p.n_kv_heads * units, [&](std::int64_t index) {
    static thread_local FlashScratch scratch;
    const FlushDenormals flush;
    Reserve(p, static_cast<size_t>(per_unit), scratch);
    const std::int64_t head = index / units % p.n_kv_heads;
    // With a causal mask the last tiles see most keys: start them first.
    const std::int64_t unit = units - 1 - index % units;
    AttendTiles({p, tensors, index / units / p.n_kv_heads, head}, unit * per_unit,
                std::min(tiles, (unit + 1) * per_unit), scratch);
  });
}

std::string_view FlashIsa() {
  return hwy::TargetName(HWY_TARGET);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace headlight
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace headlight {

HWY_EXPORT(RunFlash);
HWY_EXPORT(FlashIsa);

AttentionKernel attention_flash() {
  return {.name = "flash",
          .declines = [](const AttentionProblem&) { return std::optional<std::string>(); },
          .run =
              [](const AttentionProblem& p, const AttentionTensors& t) {
                HWY_DYNAMIC_DISPATCH(RunFlash)
                (p, t);
              },
          .isa = []() { return HWY_DYNAMIC_DISPATCH(FlashIsa)(); }};
}

}  // namespace headlight
#endif  // HWY_ONCE
