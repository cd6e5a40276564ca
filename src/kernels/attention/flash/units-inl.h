// The flash kernel's loops: units of work on the thread pool, spans of keys, tiles of queries.

// Highway toggles HWY_TARGET_TOGGLE per target, which lets this file in once for each of them.
#if defined(HEADLIGHT_ATTENTION_FLASH_UNITS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef HEADLIGHT_ATTENTION_FLASH_UNITS_INL_H
#undef HEADLIGHT_ATTENTION_FLASH_UNITS_INL_H
#else
#define HEADLIGHT_ATTENTION_FLASH_UNITS_INL_H
#endif

#include <atomic>
#include <cstddef>
#include <optional>
#include <span>

#include "core/threads.h"
#include "hwy/highway.h"
#include "kernels/attention/flash/attend-inl.h"
#include "kernels/attention/flash/plan-inl.h"
#include "kernels/attention/flash/statistics-inl.h"
#include "kernels/attention/flash/tile.h"
#include "kernels/flush_denormals.h"

HWY_BEFORE_NAMESPACE();
namespace headlight {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Tiles [first, last) of one key/value head, and the keys that they have to meet.
struct FlashUnit {
  FlashCall call;
  std::int64_t first, last;
  AttentionProblem::KeyRange keys;
};

/// True for a tile that meets no key: none that it may see, or nothing of it is asked for.
inline bool Idle(const FlashPlan& plan, const FlashTile& tile) {
  if (tile.some.first >= tile.some.last) return true;
  return tile.gate == 0 && !plan.tensors.lse && !(plan.statistics && plan.statistics->wants(tile));
}

inline FlashTile PlaceTile(const FlashCall& call, std::int64_t index) {
  return place_tile(call, index, static_cast<std::int64_t>(TileWidth()), hn::Lanes(D()));
}

inline FlashUnit UnitAt(const FlashPlan& plan, std::int64_t index) {
  const AttentionProblem& p = plan.problem;
  // With a causal mask the last tiles see most keys: start them first.
  const std::int64_t unit = plan.units_per_head - 1 - index % plan.units_per_head;
  const std::int64_t head = index / plan.units_per_head;
  FlashUnit out{{p, plan.tensors, head / p.n_kv_heads, head % p.n_kv_heads},
                unit * plan.tiles_per_unit,
                std::min(plan.tiles, (unit + 1) * plan.tiles_per_unit),
                {p.kv_len, 0}};
  for (std::int64_t i = out.first; i < out.last; ++i) {
    const FlashTile tile = PlaceTile(out.call, i);
    if (Idle(plan, tile)) continue;
    out.keys.first = std::min(out.keys.first, tile.some.first);
    out.keys.last = std::max(out.keys.last, tile.some.last);
  }
  // Blocks stand in the same places whatever the units, and so results do not depend on threads.
  out.keys.first = out.keys.first / kBlockKeys * kBlockKeys;
  return out;
}

/// The units of a call on one thread. While the tiles of a unit pass over one span of keys, the
/// next span, which may be the next unit's, is asked for from memory and packed a block at a time.
/// `Operands` packs and multiplies: PackQueries, PackKeys, PackValues, AttendTile; kRoundsWeights
/// says whether weights are rounded before they meet v.
template <class Operands>
class FlashWorker {
 public:
  FlashWorker(const FlashPlan& plan, FlashScratch& scratch) : plan_(plan), scratch_(scratch) {
    Reserve(plan, scratch);
  }

  /// Works on the units that `next` hands out: an index each time, plan.units() or more at the end.
  template <class Next>
  void run(const Next& next) {
    std::optional<FlashUnit> unit = busy_unit(next);
    if (!unit) return;
    begin_packing(unit->call, first_span(*unit));
    pack_until(1, 1);
    while (unit) {
      const std::optional<FlashUnit> later = busy_unit(next);
      attend(*unit, later ? &*later : nullptr);
      unit.reset();
      if (later) unit.emplace(*later);
    }
  }

 private:
  /// The next unit that has keys to meet; the tiles of those that have none are written.
  template <class Next>
  std::optional<FlashUnit> busy_unit(const Next& next) {
    for (std::int64_t i = next(); i < plan_.units(); i = next()) {
      const FlashUnit unit = UnitAt(plan_, i);
      if (unit.keys.first < unit.keys.last) return unit;
      make_tiles(unit);
    }
    return std::nullopt;
  }

  FlashSpan span_from(const FlashUnit& unit, std::int64_t begin) const {
    return {unit.call.batch, unit.call.kv_head, begin,
            std::max(begin, std::min(begin + plan_.span_keys(), unit.keys.last))};
  }
  FlashSpan first_span(const FlashUnit& unit) const { return span_from(unit, unit.keys.first); }

  static size_t blocks_of(const FlashSpan& span) {
    return static_cast<size_t>((span.end - span.begin + kBlockKeys - 1) / kBlockKeys);
  }

  PackedSpan& current() { return scratch_.spans[current_]; }
  PackedSpan& coming() { return scratch_.spans[1 - current_]; }

  /// From now on `span` is the one being packed.
  void begin_packing(const FlashCall& call, const FlashSpan& span) {
    packed_ = to_pack_ = 0;
    asked_ = span.begin;
    if (span == current().span) return;
    packing_.emplace(call);
    coming().span = span;
    to_pack_ = blocks_of(span);
  }

  /// Blocks that are due when `done` of `count` tiles are through.
  size_t due(size_t done, size_t count) const { return to_pack_ * done / count; }

  void pack_until(size_t done, size_t count) {
    for (; packed_ < due(done, count); ++packed_) {
      FlashBlock& block = coming().blocks[packed_];
      block.begin = coming().span.begin + static_cast<std::int64_t>(packed_) * kBlockKeys;
      block.count = static_cast<size_t>(std::min(kBlockKeys, coming().span.end - block.begin));
      scratch_.block = &block;
      Operands::PackKeys(*packing_, scratch_);
      Operands::PackValues(*packing_, scratch_);
    }
  }

  void ask_until(size_t done, size_t count) {
    if (to_pack_ == 0) return;
    const FlashSpan& span = coming().span;
    const std::int64_t keys = span.end - span.begin;
    const std::int64_t last =
        span.begin + keys * static_cast<std::int64_t>(done) / static_cast<std::int64_t>(count);
    for (const TensorView& view : {packing_->tensors.k, packing_->tensors.v})
      scratch_.ahead.add(view, span.batch, span.kv_head, asked_, last);
    asked_ = last;
  }

  void attend(const FlashUnit& unit, const FlashUnit* later) {
    make_tiles(unit);
    for (std::int64_t begin = unit.keys.first; begin < unit.keys.last; begin += plan_.span_keys()) {
      const FlashSpan span = span_from(unit, begin);
      if (!(span == current().span)) current_ = 1 - current_;
      if (span.end < unit.keys.last)
        begin_packing(unit.call, span_from(unit, span.end));
      else if (later)
        begin_packing(later->call, first_span(*later));
      else
        to_pack_ = packed_ = 0;
      attend_span(unit.call, span);
    }
  }

  /// Places the tiles; those that meet no key are written at once.
  void make_tiles(const FlashUnit& unit) {
    scratch_.tiles.clear();
    for (std::int64_t i = unit.first; i < unit.last; ++i) {
      FlashTile tile = PlaceTile(unit.call, i);
      lay_out_tile(unit, tile);
      if (!Idle(plan_, tile)) {
        scratch_.tiles.push_back(tile);
        continue;
      }
      begin_tile(tile);
      finish_tile(unit.call, tile);
    }
  }

  /// Points the tile at its arrays, the next that no tile has.
  void lay_out_tile(const FlashUnit& unit, FlashTile& tile) const {
    const size_t index = scratch_.tiles.size();
    tile.q_t = scratch_.state + index * scratch_.state_stride;
    tile.z_t = tile.q_t + tile.width * static_cast<size_t>(plan_.problem.head_dim);
    tile.max =
        tile.z_t + tile.width * round_up(static_cast<size_t>(plan_.problem.head_dim_v), kRows);
    tile.sum = tile.max + tile.width;
    tile.surprise = tile.sum + tile.width;
    tile.divisor = Operands::kRoundsWeights ? tile.surprise + tile.width : tile.sum;
    if (!plan_.statistics || !plan_.statistics->wants(tile)) return;
    tile.kept = scratch_.kept + index * scratch_.kept_stride;
    tile.kept_max = tile.kept + plan_.kept_rows * tile.width;
    tile.kept_begin = unit.keys.first;
  }

  void finish_tile(const FlashCall& call, const FlashTile& tile) {
    if (tile.kept) TileReducer(*plan_.statistics, call, tile, scratch_).run();
    FinishTile(call, tile, scratch_);
  }

  static void begin_tile(const FlashTile& tile) {
    std::fill(tile.z_t, tile.max, 0.0f);
    std::fill_n(tile.max, tile.width, kMinusInfinity);
    std::fill_n(tile.sum, 3 * tile.width, 0.0f);  // and surprise, and a divisor of its own
  }

  void attend_span(const FlashCall& call, const FlashSpan& span) {
    const auto sees = [&](const FlashTile& tile) {
      return tile.some.first < span.end && tile.some.last > span.begin;
    };
    const auto count = static_cast<size_t>(std::ranges::count_if(scratch_.tiles, sees));
    size_t done = 0;
    for (const FlashTile& tile : scratch_.tiles) {
      if (!sees(tile)) continue;
      if (tile.some.first >= span.begin) {
        begin_tile(tile);
        Operands::PackQueries(call, scratch_, tile);
      }
      ask_ahead(call, span, tile, done + 1, count);
      for (size_t i = 0; i < blocks_of(span); ++i) {
        scratch_.block = &current().blocks[i];
        AttendBlock<Operands>(call, tile, scratch_);
      }
      if (tile.some.last <= span.end) finish_tile(call, tile);
      pack_until(++done, count);
    }
    pack_until(1, 1);  // where no tile saw a key of this span
  }

  /// What will be needed after this tile: its output, the next one's queries, keys to be packed.
  void ask_ahead(const FlashCall& call, const FlashSpan& span, const FlashTile& tile, size_t done,
                 size_t count) {
    scratch_.ahead.clear();
    if (!plan_.asks_ahead) return;
    const auto rows = [&](const TensorView& view, const FlashTile& of) {
      scratch_.ahead.add(view, call.batch, of.head, of.q_begin,
                         of.q_begin + static_cast<std::int64_t>(of.rows));
    };
    const FlashTile* next = &tile + 1;
    if (next != scratch_.tiles.data() + scratch_.tiles.size() && next->some.first >= span.begin)
      rows(call.tensors.q, *next);
    ask_until(done, count);
    if (tile.some.last <= span.end) rows(call.tensors.z, tile);
    const auto values = static_cast<std::int64_t>(call.problem.head_dim_v);
    const std::int64_t pairs = kBlockKeys * (call.problem.head_dim + values);
    scratch_.ahead.spread_over(static_cast<std::int64_t>(blocks_of(span)) * pairs /
                               static_cast<std::int64_t>(kRows * kChunk));
  }

  const FlashPlan& plan_;
  FlashScratch& scratch_;
  size_t current_ = 0;
  std::optional<FlashCall> packing_;
  size_t to_pack_ = 0, packed_ = 0;  ///< blocks of the coming span
  std::int64_t asked_ = 0;           ///< keys before this one are asked for
};

/// Attention by tiles.
template <class Operands>
void RunUnits(const AttentionProblem& p, const AttentionTensors& tensors) {
  std::optional<FlashStatistics> statistics;
  if (tensors.statistics) statistics.emplace(p, *tensors.statistics);
  const FlashPlan plan(p, tensors, statistics ? &*statistics : nullptr);
  const std::int64_t units = plan.tiles == 0 ? 0 : plan.units();
  std::atomic<std::int64_t> next{0};
  parallel_for(std::min<std::int64_t>(threads(), units), [&](std::int64_t) {
    static thread_local FlashScratch scratch;
    const FlushDenormals flush;
    FlashWorker<Operands> worker(plan, scratch);
    worker.run([&] { return next.fetch_add(1, std::memory_order_relaxed); });
  });
  if (statistics) statistics->finish();
}

}  // namespace HWY_NAMESPACE
}  // namespace headlight
HWY_AFTER_NAMESPACE();

#endif  // HEADLIGHT_ATTENTION_FLASH_UNITS_INL_H
