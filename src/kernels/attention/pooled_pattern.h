// A head's pattern from afar: means and maxima over a grid of cells, never the pattern itself.
#pragma once

#include <cstdint>
#include <vector>

#include "core/tensor.h"
#include "kernels/attention/attention.h"

namespace headlight {

/// One head as its attention left it. fp32; the innermost stride of q and k is 1.
struct HeadScores {
  TensorView q = {};    ///< [Tq, D]
  TensorView k = {};    ///< [Tkv, D]
  TensorView lse = {};  ///< [Tq]: log-sum-exp of the row, a sink included; -inf when dead
  float scale = 1;
  Causal causal = Causal::none;
  Window window = {};

  /// What says which keys a query may see.
  AttentionProblem problem() const;
};

/// Rows [row_begin, row_end) and columns [key_begin, key_end), cut into a grid. Cell i of n rows
/// covers rows [row_begin + i * rows / n, row_begin + (i + 1) * rows / n), columns likewise.
struct PatternGrid {
  std::int64_t row_begin = 0, row_end = 0;
  std::int64_t key_begin = 0, key_end = 0;
  std::int64_t n_rows = 1, n_columns = 1;  ///< cells; at most as many as rows and columns
  /// A cell of more rows is sampled: one row from each of so many equal strata of it.
  std::int64_t rows_per_cell = 1;

  std::int64_t row_edge(std::int64_t cell) const {
    return row_begin + cell * (row_end - row_begin) / n_rows;
  }
  std::int64_t key_edge(std::int64_t cell) const {
    return key_begin + cell * (key_end - key_begin) / n_columns;
  }
};

/// The rows that are read for a grid, rising: those of cell i are rows[first[i]] to
/// rows[first[i + 1] - 1]. Within a stratum the row is drawn, or a text that repeats itself could
/// fall into step with the sample; by its number, so that the same grid reads the same rows.
struct SampledRows {
  std::vector<std::int64_t> rows;
  std::vector<std::size_t> first;
};
SampledRows sample_rows(const PatternGrid& grid);

/// Each cell's mean and maximum over its columns and the rows read; where no more than
/// rows_per_cell rows lie in a cell, exact. Entries are exp(scale q_i . k_j - lse_i), 0 where the
/// query does not see the key: they cost head_dim products each, whatever lies beside them, so
/// that a part of a row needs no more than itself. `out`: contiguous fp32 [2, n_rows, n_columns],
/// means first. O(rows read * D + threads * D) memory. Throws Error("pooled_pattern", ...) naming
/// what does not fit.
void pooled_pattern(const HeadScores& head, const PatternGrid& grid, MutableTensorView out);
/// The reference: in double, every row normalised by its own sum (a sink is left out).
void pooled_pattern_ref(const HeadScores& head, const PatternGrid& grid, MutableTensorView out);
/// Throws as they do.
void check_pooled_pattern(const HeadScores& head, const PatternGrid& grid, TensorView out);

}  // namespace headlight
