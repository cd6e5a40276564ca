// A head's pattern as a map: any part of it, from the whole to single tokens, in at most 256 x 256
// cells.
#pragma once

#include <cstdint>

#include "inspect/trace.h"

namespace headlight {

inline constexpr std::int64_t kMostMapCells = 256;  ///< each way

/// Queries [row_begin, row_end) and keys [key_begin, key_end) of one head, in at most size x size
/// cells: as many as `size`, or as there are rows and columns, each covering equally many but for
/// rounding (PatternGrid).
struct MapArea {
  std::int64_t layer = 0, head = 0;
  std::int64_t row_begin = 0, row_end = 0;
  std::int64_t key_begin = 0, key_end = 0;
  std::int64_t size = kMostMapCells;
};

struct PatternMap {
  Tensor cells;  ///< fp32 [2, n, m]: mean and maximum of the entries that a cell covers
  std::int64_t rows_read = 0;
  std::int64_t rows = 0;  ///< that the area has; the map is exact when all were read
};

/// About how many multiplications a map of 256 x 256 cells may cost; smaller ones their share. An
/// entry costs head_dim and a little. A tenth of a second to half of one, by the machine.
inline constexpr double kMapWork = 6e9;

/// Reads every row of the area when that costs no more than `work`; else as many of each cell, one
/// from each stratum (sample_rows), as it allows, at least one. Needs q, k and lse of the trace.
/// Throws when layer, head, area or size are out of range, naming the range there is.
PatternMap pattern_map(const Trace& trace, const MapArea& area, double work = kMapWork);

}  // namespace headlight
