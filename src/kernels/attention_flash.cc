#include "kernels/attention_flash.h"

#include <cstddef>
#include <span>

#include "core/threads.h"
#include "kernels/attention_flash_tile.h"
#include "kernels/flush_denormals.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/attention_flash.cc"
#include "hwy/cache_control.h"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/attention_flash_attend-inl.h"

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
      {&scratch.block.k, keys * PackedKey(head_dim)},
      {&scratch.block.v, static_cast<size_t>(kBlockKeys) * round_up(head_dim_v, kRows)},
      {&scratch.scores, keys * width},
      {&scratch.pairs, keys * width},
      {&scratch.largest, width},
      {&scratch.shrink, width},
      {&scratch.ones, width},
      {&scratch.rows, std::max(width, kRows) * std::max(head_dim, head_dim_v)},
      {&scratch.state, tiles * TileFloats(p)},
  };
  lay_out(parts, scratch.storage);
  std::fill_n(scratch.ones, width, 1.0f);
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

/// Asks for rows [first, last) of one head, which lie far apart in memory, while something else
/// keeps the FMA units busy.
void PrefetchRows(TensorView view, std::int64_t batch, std::int64_t head, std::int64_t first,
                  std::int64_t last) {
  constexpr std::int64_t kLine = 64;
  const auto element = static_cast<std::int64_t>(size_of(view.dtype()));
  const char* at = static_cast<const char*>(view.data()) +
                   element * (batch * view.stride(0) + head * view.stride(2));
  for (std::int64_t row = first; row < last; ++row)
    for (std::int64_t i = 0; i < view.dim(3) * element; i += kLine)
      hwy::Prefetch(at + row * element * view.stride(1) + i);
}

/// Share `index` of `shares` of the block of keys that begins at `begin`.
void PrefetchKeys(const FlashCall& call, std::int64_t begin, size_t index, size_t shares) {
  const auto row = [&](size_t share) {
    const auto offset = static_cast<std::int64_t>(share * static_cast<size_t>(kBlockKeys) / shares);
    return std::min(begin + offset, call.problem.kv_len);
  };
  for (const TensorView& view : {call.tensors.k, call.tensors.v})
    PrefetchRows(view, call.batch, call.kv_head, row(index), row(index + 1));
}

void PrefetchTile(const FlashCall& call, TensorView view, const FlashTile& tile) {
  PrefetchRows(view, call.batch, tile.head, tile.q_begin,
               tile.q_begin + static_cast<std::int64_t>(tile.rows));
}

/// Tiles [first, last) of one key/value head.
struct FlashUnit {
  FlashCall call;
  std::int64_t first, last;

  /// Keys that at least one of the tiles may see.
  AttentionProblem::KeyRange keys() const {
    AttentionProblem::KeyRange keys{call.problem.kv_len, 0};
    for (std::int64_t i = first; i < last; ++i) {
      const auto width = static_cast<std::int64_t>(TileWidth());
      const FlashTile tile = place_tile(call, i, width, hn::Lanes(D()));
      keys.first = std::min(keys.first, tile.some.first);
      keys.last = std::max(keys.last, tile.some.last);
    }
    return keys;
  }
};

void MakeTiles(const FlashUnit& unit, FlashScratch& scratch) {
  scratch.tiles.clear();
  for (std::int64_t i = unit.first; i < unit.last; ++i) {
    const auto offset = static_cast<size_t>(i - unit.first) * TileFloats(unit.call.problem);
    scratch.tiles.push_back(MakeTile(unit.call, i, scratch.state + offset));
  }
}

/// The tiles of a unit against all the keys they may see, a block at a time. Queries are packed on
/// the way through the first block and outputs written on the way through the last, so that memory
/// is waited for while other tiles compute; `next` is prefetched for the same reason.
void AttendUnit(const FlashUnit& unit, const FlashUnit& next, FlashScratch& scratch) {
  const FlashCall& call = unit.call;
  const auto keys = unit.keys();
  const std::int64_t next_begin = next.keys().first;
  MakeTiles(unit, scratch);
  FlashBlock& block = scratch.block;
  const size_t count = scratch.tiles.size();
  block.begin = keys.first;
  do {
    const bool first = block.begin == keys.first;
    const bool last = block.begin + kBlockKeys >= keys.last;
    block.count =
        static_cast<size_t>(std::clamp<std::int64_t>(keys.last - block.begin, 0, kBlockKeys));
    if (block.count > 0) PackKeys(call, scratch);
    PackValues(call, scratch);
    for (size_t i = 0; i < count; ++i) {
      const FlashTile& tile = scratch.tiles[i];
      if (first) PackQueries(call, scratch, call.problem.scale, tile);
      if (first && i + 1 < count) PrefetchTile(call, call.tensors.q, scratch.tiles[i + 1]);
      if (last) PrefetchTile(call, call.tensors.z, tile);
      PrefetchKeys(last ? next.call : call, last ? next_begin : block.begin + kBlockKeys, i, count);
      AttendBlock(call, tile, scratch);
      if (last) FinishTile(call, tile, scratch);
    }
    block.begin += kBlockKeys;
  } while (block.begin < keys.last);
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
  const auto unit_at = [&](std::int64_t index) {
    // With a causal mask the last tiles see most keys: start them first.
    const std::int64_t unit = units - 1 - index % units;
    const std::int64_t head = index / units;
    return FlashUnit{{p, tensors, head / p.n_kv_heads, head % p.n_kv_heads},
                     unit * per_unit,
                     std::min(tiles, (unit + 1) * per_unit)};
  };
  const std::int64_t total = p.batch * p.n_kv_heads * units;
  parallel_for(total, [&](std::int64_t index) {
    static thread_local FlashScratch scratch;
    const FlushDenormals flush;
    Reserve(p, static_cast<size_t>(per_unit), scratch);
    AttendUnit(unit_at(index), unit_at(std::min(index + 1, total - 1)), scratch);
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
namespace {

std::optional<std::string> flash_declines(const AttentionProblem& p) {
  if (p.kv_dtype == DType::i8) return "k and v are i8";
  return std::nullopt;
}

}  // namespace

AttentionKernel attention_flash() {
  return {.name = "flash",
          .declines = flash_declines,
          .run =
              [](const AttentionProblem& p, const AttentionTensors& t) {
                HWY_DYNAMIC_DISPATCH(RunFlash)
                (p, t);
              },
          .isa = []() { return HWY_DYNAMIC_DISPATCH(FlashIsa)(); }};
}

}  // namespace headlight
#endif  // HWY_ONCE
