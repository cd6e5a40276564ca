// Threading of row-wise and elementwise ops: blocks of work big enough to be worth a thread.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/threads.h"

namespace headlight {

/// Calls body(begin, end) for consecutive ranges that cover [0, rows). Rows of `width` floats are
/// grouped so that a range holds about 32 KiB (an L1 cache's worth); small inputs run in line.
template <class Body>
void for_row_blocks(std::int64_t rows, std::int64_t width, const Body& body) {
  constexpr std::int64_t kFloatsPerBlock = 8192;
  constexpr std::int64_t kFloatsInLine = 32768;  // under this, waking threads costs more
  if (rows * width <= kFloatsInLine) {
    if (rows > 0) body(std::int64_t{0}, rows);
    return;
  }
  const std::int64_t block =
      std::max<std::int64_t>(1, kFloatsPerBlock / std::max<std::int64_t>(width, 1));
  parallel_for((rows + block - 1) / block,
               [&](std::int64_t i) { body(i * block, std::min(rows, (i + 1) * block)); });
}

}  // namespace headlight
