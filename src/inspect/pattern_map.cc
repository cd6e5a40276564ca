#include "inspect/pattern_map.h"

#include <algorithm>

#include "core/error.h"
#include "inspect/trace_tensors.h"
#include "kernels/attention/pooled_pattern.h"

namespace headlight {
namespace {

/// What an entry costs beside its head_dim products: its exponential, and its place in a cell.
constexpr double kEntryWork = 24;
/// Of the work for a whole map: what the smallest may cost.
constexpr double kLeastShare = 1.0 / 16;

void check_range(std::string_view what, std::int64_t begin, std::int64_t end, std::int64_t length) {
  check(0 <= begin && begin < end && end <= length, "map", "{} {}:{} are not in 0:{}", what, begin,
        end, length);
}

/// One head of [T, H, D] as [T, D].
TensorView head_of(const Tensor& t, std::int64_t head) {
  return {t.span<float>().data() + head * t.dim(2), {t.dim(0), t.dim(2)}, {t.dim(1) * t.dim(2), 1}};
}

HeadScores scores_of(const Trace& trace, std::int64_t layer, std::int64_t head) {
  const TracedLayer& traced = traced_layer(trace, layer);
  check_head(trace, head);
  const ModelConfig& c = trace.config;
  return {.q = head_of(traced.q, head),
          .k = head_of(traced.k, head * c.n_kv_heads / c.n_heads),
          .lse = {traced.lse.span<float>().data() + head * trace.length(), {trace.length()}},
          .scale = c.attention_scale(layer),
          .causal = c.causal() ? Causal::bottom_right : Causal::none};
}

/// How many rows of each cell the work allows, judged by the keys that its middle row sees.
std::int64_t affordable_rows(const HeadScores& head, const PatternGrid& grid, double work) {
  const AttentionProblem problem = head.problem();
  std::int64_t keys = 0;
  for (std::int64_t i = 0; i < grid.n_rows; ++i) {
    const auto seen = problem.keys_of((grid.row_edge(i) + grid.row_edge(i + 1)) / 2);
    keys += std::max<std::int64_t>(
        0, std::min(seen.last, grid.key_end) - std::max(seen.first, grid.key_begin));
  }
  const double one_each =
      static_cast<double>(keys) * (static_cast<double>(head.q.dim(1)) + kEntryWork);
  const auto most = static_cast<double>(grid.row_end - grid.row_begin);
  return static_cast<std::int64_t>(std::clamp(work / std::max(one_each, 1.0), 1.0, most));
}

}  // namespace

PatternMap pattern_map(const Trace& trace, const MapArea& area, double work) {
  const HeadScores head = scores_of(trace, area.layer, area.head);
  check_range("rows", area.row_begin, area.row_end, trace.length());
  check_range("columns", area.key_begin, area.key_end, trace.length());
  check(1 <= area.size && area.size <= kMostMapCells, "map", "size {} is not in [1, {}]", area.size,
        kMostMapCells);
  PatternGrid grid{.row_begin = area.row_begin,
                   .row_end = area.row_end,
                   .key_begin = area.key_begin,
                   .key_end = area.key_end};
  grid.n_rows = std::min(area.size, area.row_end - area.row_begin);
  grid.n_columns = std::min(area.size, area.key_end - area.key_begin);
  const double share = static_cast<double>(grid.n_rows * grid.n_columns) /
                       static_cast<double>(kMostMapCells * kMostMapCells);
  grid.rows_per_cell = affordable_rows(head, grid, work * std::max(share, kLeastShare));
  PatternMap map{.cells = Tensor({2, grid.n_rows, grid.n_columns}),
                 .rows_read = std::ssize(sample_rows(grid).rows),
                 .rows = area.row_end - area.row_begin};
  pooled_pattern(head, grid, map.cells);
  return map;
}

}  // namespace headlight
