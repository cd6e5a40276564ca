// Rows of memory asked for ahead of their use.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "core/tensor.h"

namespace headlight {

/// Rows of one head lie far apart in memory, so no hardware prefetcher finds them. They are asked
/// for a few at a time, every few hundred cycles, while the FMA units are busy: many at once would
/// fill the line buffers and stop what the products load.
class RowsAhead {
 public:
  void clear() {
    count_ = current_ = 0;
    at_once_ = kFewRows;
  }

  /// Makes `calls` of the operator reach the last row, if they can without crowding out the loads
  /// between them.
  void spread_over(std::int64_t calls) {
    std::int64_t rows = 0;
    for (std::size_t i = 0; i < count_; ++i) rows += runs_[i].rows;
    at_once_ = static_cast<int>(std::clamp<std::int64_t>(rows / calls + 1, kFewRows, kMostRows));
  }

  /// Rows [first, last) of head `head` in a [B, T, H, D] view.
  void add(const TensorView& view, std::int64_t batch, std::int64_t head, std::int64_t first,
           std::int64_t last) {
    if (first >= last || count_ == runs_.size()) return;
    const auto element = static_cast<std::int64_t>(size_of(view.dtype()));
    const std::int64_t offset =
        batch * view.stride(0) + first * view.stride(1) + head * view.stride(2);
    runs_[count_++] = {static_cast<const char*>(view.data()) + offset * element,
                       view.stride(1) * element, last - first, view.dim(3) * element};
  }

  /// Asks for the next few rows.
  void operator()() {
    for (int i = 0; i < at_once_ && current_ < count_; ++i) ask();
  }

 private:
  static constexpr int kFewRows = 1, kMostRows = 3;

  struct Run {
    const char* at;
    std::int64_t stride, rows, bytes;
  };

  void ask() {
    constexpr std::int64_t kLine = 64;
    constexpr int kToRead = 0, kIntoL2 = 2;
    Run& run = runs_[current_];
    for (std::int64_t i = 0; i < run.bytes; i += kLine)
      __builtin_prefetch(run.at + i, kToRead, kIntoL2);
    run.at += run.stride;
    if (--run.rows == 0) ++current_;
  }

  std::array<Run, 8> runs_{};
  std::size_t count_ = 0, current_ = 0;
  int at_once_ = kFewRows;
};

}  // namespace headlight
