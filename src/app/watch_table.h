// What heads come to look at while a model trains, as a table of the terminal.
#pragma once

#include <cstdint>
#include <string>

#include "app/terminal.h"
#include "io/json.h"

namespace headlight::app {

/// A snapshot (train/emergence.h) in lines of kColumns: for each relation the share of hidden words
/// named right, the head that looks along it most often, and the best fixed offset. A head that
/// does better than the offset, and in at least half of the pairs, is in bold.
std::string watch_table(const Json& snapshot, std::int64_t n_heads, const Style& style);

/// Draws each table over the one before where standard output is a terminal that has room for it;
/// elsewhere they follow each other. A progress bar may stand on the line below.
class WatchTable {
 public:
  explicit WatchTable(std::int64_t n_heads) : n_heads_(n_heads), style_(Style::of_stdout()) {}

  void show(const Json& snapshot);

 private:
  std::int64_t n_heads_;
  Style style_;
  std::size_t drawn_ = 0;  // lines that stand above the cursor
};

/// What brings the cursor to the first of `lines` lines above it and lets each new line clear the
/// old one: `text` as a terminal is to be given it.
std::string drawn_over(const std::string& text, std::size_t lines);

}  // namespace headlight::app
