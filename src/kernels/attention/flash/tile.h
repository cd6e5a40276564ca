// What the pieces of the flash kernel pass to each other; the same for every instruction set.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "kernels/attention/attention.h"
#include "kernels/attention/flash/ahead.h"

namespace headlight {

/// Keys scored at a time: a tile's scores of one block (24 KiB with AVX-512) stay in L1.
inline constexpr std::int64_t kBlockKeys = 128;

/// Consecutive queries of one head, along the vector lanes, and their running softmax.
/// Arrays are [.., width]; lanes past `rows` compute on zeros and are thrown away.
struct FlashTile {
  std::int64_t head = 0;
  std::int64_t q_begin = 0;
  std::size_t rows = 0;
  std::size_t width = 0;
  float gate = 1;                     ///< of the head
  AttentionProblem::KeyRange some{};  ///< keys that at least one query may see by position
  AttentionProblem::KeyRange all{};   ///< keys that every query may see by position
  float* q_t = nullptr;               ///< [head_dim, width], scaled
  float* z_t = nullptr;               ///< [head_dim_v, width], not yet divided by sum
  float* max = nullptr;               ///< [width], times log2(e)
  float* sum = nullptr;               ///< [width]
  float* divisor = nullptr;           ///< [width], the sum of the weights as they met v
  // Only where statistics of the tile are asked for (attention_flash_statistics-inl.h):
  float* surprise = nullptr;    ///< [width], sum of weight * log2(weight)
  float* kept = nullptr;        ///< weights of all keys, [keys from kept_begin on, width]
  float* kept_max = nullptr;    ///< [blocks, width]: the maximum that a block's weights are under
  std::int64_t kept_begin = 0;  ///< a multiple of kBlockKeys
};

/// A value that is infinite or NaN, kept out of the packed block: only pairs that attend meet it.
struct NonFinite {
  std::size_t key;      ///< inside its block
  std::size_t element;  ///< of head_dim_v
  float value;
};

/// Keys [begin, begin + count) of one key/value head, packed.
struct FlashBlock {
  std::int64_t begin = 0;
  std::size_t count = 0;
  float* k = nullptr;  ///< packed for Scores
  float* v = nullptr;  ///< panels of a few elements: [panels, kBlockKeys, elements]
  std::vector<NonFinite> non_finite;
};

/// Consecutive blocks that stay packed in L2 while every tile of a unit passes over them: keys
/// [begin, end) of one key/value head.
struct FlashSpan {
  std::int64_t batch = -1, kv_head = 0;
  std::int64_t begin = 0, end = 0;
  bool operator==(const FlashSpan&) const = default;
};

/// A span and its packed blocks.
struct PackedSpan {
  FlashSpan span;
  std::vector<FlashBlock> blocks;
};

/// Working memory of one thread; grows to what a problem needs and is kept for the next.
struct FlashScratch {
  Tensor storage;
  PackedSpan spans[2];          ///< one in use, one being packed
  FlashBlock* block = nullptr;  ///< the one in work
  RowsAhead ahead;
  float* scores = nullptr;   ///< [kBlockKeys + a register tile, width]
  float* pairs = nullptr;    ///< the same for an additive bias
  float* largest = nullptr;  ///< [width]
  float* shrink = nullptr;   ///< [width]
  float* ones = nullptr;     ///< [width]
  float* rows = nullptr;     ///< [width, max(head_dim, head_dim_v)]: queries or outputs, widened
  float* state = nullptr;    ///< the tiles' arrays
  std::size_t state_stride = 0;  ///< floats from one tile's arrays to the next one's
  float* kept = nullptr;         ///< the weights that tiles keep
  std::size_t kept_stride = 0;
  std::vector<FlashTile> tiles;
  std::vector<std::pair<float**, std::size_t>> parts;  ///< for lay_out
  std::vector<float> row;                              ///< one widened row of K or V
  std::vector<float> columns;                          ///< mass of each key, for statistics
};

/// One call and the place of its batch entry and key/value head.
struct FlashCall {
  const AttentionProblem& problem;
  const AttentionTensors& tensors;
  std::int64_t batch = 0;
  std::int64_t kv_head = 0;

  std::int64_t group() const { return problem.n_heads / problem.n_kv_heads; }
};

inline std::size_t round_up(std::size_t n, std::size_t multiple) {
  return (n + multiple - 1) / multiple * multiple;
}

/// Points each part at its floats inside `storage`, cache-line aligned; storage grows if it must.
inline void lay_out(std::span<const std::pair<float**, std::size_t>> parts, Tensor& storage) {
  constexpr std::size_t kLineFloats = 16;
  std::size_t total = 0;
  for (const auto& [pointer, floats] : parts) total += round_up(floats, kLineFloats);
  if (!storage || storage.numel() < static_cast<std::int64_t>(total))
    storage = Tensor(Shape{static_cast<std::int64_t>(total)});
  float* at = storage.span<float>().data();
  for (const auto& [pointer, floats] : parts) {
    *pointer = at;
    at += round_up(floats, kLineFloats);
  }
}

/// Where tile `index` of a key/value head stands, tiles being `full` queries wide in vectors of
/// `lanes`: the heads of its group side by side, so that neighbours see the same keys.
inline FlashTile place_tile(const FlashCall& call, std::int64_t index, std::int64_t full,
                            std::size_t lanes) {
  const AttentionProblem& p = call.problem;
  FlashTile tile;
  tile.head = call.kv_head * call.group() + index % call.group();
  tile.q_begin = index / call.group() * full;
  tile.rows = static_cast<std::size_t>(std::min(full, p.q_len - tile.q_begin));
  tile.width = round_up(tile.rows, lanes);
  if (!call.tensors.head_gate.empty())
    tile.gate = call.tensors.head_gate[static_cast<std::size_t>(tile.head)];
  const auto first = p.keys_of(tile.q_begin);
  const auto last = p.keys_of(tile.q_begin + static_cast<std::int64_t>(tile.rows) - 1);
  tile.some = {first.first, last.last};  // both ends move right from query to query
  tile.all = {last.first, first.last};
  return tile;
}

}  // namespace headlight
