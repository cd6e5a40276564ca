// What both implementations of the pooled pattern share, and the plain one.
#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "core/mix64.h"
#include "kernels/attention/pooled_pattern.h"

namespace headlight {
namespace {

constexpr std::string_view kOp = "pooled_pattern";

void check_matrix(TensorView view, std::string_view name) {
  check(view && view.dtype() == DType::f32 && view.rank() == 2 && view.stride(1) == 1, kOp,
        "{} is {} {}; it must be f32 of two dimensions, innermost stride 1", name,
        name_of(view.dtype()), view.shape());
}

void check_range(std::string_view name, std::int64_t begin, std::int64_t end, std::int64_t length,
                 std::int64_t cells) {
  check(0 <= begin && begin < end && end <= length, kOp, "{} {}:{} do not lie in 0:{}", name, begin,
        end, length);
  check(1 <= cells && cells <= end - begin, kOp, "{} {} in {} cells; 1 to {} are possible",
        end - begin, name, cells, end - begin);
}

/// Scores of one row, then its softmax.
void pattern_row(const HeadScores& head, const AttentionProblem& problem, std::int64_t row,
                 std::vector<double>& pattern) {
  const AttentionProblem::KeyRange seen = problem.keys_of(row);
  const float* q = head.q.as<float>() + row * head.q.stride(0);
  double largest = -std::numeric_limits<double>::infinity(), sum = 0;
  for (std::int64_t j = seen.first; j < seen.last; ++j) {
    const float* k = head.k.as<float>() + j * head.k.stride(0);
    double score = 0;
    for (std::int64_t d = 0; d < head.q.dim(1); ++d) score += static_cast<double>(q[d]) * k[d];
    pattern[static_cast<std::size_t>(j)] = score * static_cast<double>(head.scale);
    largest = std::max(largest, pattern[static_cast<std::size_t>(j)]);
  }
  for (std::int64_t j = 0; j < problem.kv_len; ++j) {
    double& p = pattern[static_cast<std::size_t>(j)];
    p = seen.first <= j && j < seen.last ? std::exp(p - largest) : 0;
    sum += p;
  }
  if (sum > 0)
    for (double& p : pattern) p /= sum;
}

}  // namespace

AttentionProblem HeadScores::problem() const {
  AttentionProblem p;
  p.q_len = q.dim(0);
  p.kv_len = k.dim(0);
  p.head_dim = q.dim(1);
  p.scale = scale;
  p.causal = causal;
  p.window = window;
  return p;
}

void check_pooled_pattern(const HeadScores& head, const PatternGrid& grid, TensorView out) {
  check_matrix(head.q, "q");
  check_matrix(head.k, "k");
  check(head.q.dim(1) == head.k.dim(1), kOp, "q is {}, k {}: their head_dim differs",
        head.q.shape(), head.k.shape());
  check(head.lse && head.lse.dtype() == DType::f32 && head.lse.shape() == Shape({head.q.dim(0)}),
        kOp, "lse is {} {}; q {} needs f32 {}", name_of(head.lse.dtype()), head.lse.shape(),
        head.q.shape(), Shape({head.q.dim(0)}));
  check_range("rows", grid.row_begin, grid.row_end, head.q.dim(0), grid.n_rows);
  check_range("columns", grid.key_begin, grid.key_end, head.k.dim(0), grid.n_columns);
  check(grid.rows_per_cell >= 1, kOp, "rows_per_cell {} must be at least 1", grid.rows_per_cell);
  const Shape expected{2, grid.n_rows, grid.n_columns};
  check(out.dtype() == DType::f32 && out.shape() == expected && out.contiguous(), kOp,
        "out is {} {} with strides {}; it must be contiguous f32 {}", name_of(out.dtype()),
        out.shape(), out.strides(), expected);
}

SampledRows sample_rows(const PatternGrid& grid) {
  SampledRows sampled;
  sampled.first.push_back(0);
  for (std::int64_t cell = 0; cell < grid.n_rows; ++cell) {
    const std::int64_t begin = grid.row_edge(cell), rows = grid.row_edge(cell + 1) - begin;
    const std::int64_t strata = std::min(rows, grid.rows_per_cell);
    for (std::int64_t s = 0; s < strata; ++s) {
      const std::int64_t from = begin + s * rows / strata, to = begin + (s + 1) * rows / strata;
      const std::uint64_t drawn = mix64(static_cast<std::uint64_t>(from) * kMix64Step);
      sampled.rows.push_back(
          from + static_cast<std::int64_t>(drawn % static_cast<std::uint64_t>(to - from)));
    }
    sampled.first.push_back(sampled.rows.size());
  }
  return sampled;
}

void pooled_pattern_ref(const HeadScores& head, const PatternGrid& grid, MutableTensorView out) {
  check_pooled_pattern(head, grid, out);
  const AttentionProblem problem = head.problem();
  const SampledRows sampled = sample_rows(grid);
  std::vector<double> row(static_cast<std::size_t>(problem.kv_len));
  float* mean = out.as<float>();
  float* max = mean + grid.n_rows * grid.n_columns;
  for (std::int64_t i = 0; i < grid.n_rows; ++i) {
    std::vector<double> sums(static_cast<std::size_t>(grid.n_columns)), tops(sums.size());
    const auto cell = static_cast<std::size_t>(i);
    for (std::size_t r = sampled.first[cell]; r < sampled.first[cell + 1]; ++r) {
      pattern_row(head, problem, sampled.rows[r], row);
      for (std::int64_t c = 0; c < grid.n_columns; ++c)
        for (std::int64_t j = grid.key_edge(c); j < grid.key_edge(c + 1); ++j) {
          const double p = row[static_cast<std::size_t>(j)];
          sums[static_cast<std::size_t>(c)] += p;
          tops[static_cast<std::size_t>(c)] = std::max(tops[static_cast<std::size_t>(c)], p);
        }
    }
    const auto rows = static_cast<double>(sampled.first[cell + 1] - sampled.first[cell]);
    for (std::int64_t c = 0; c < grid.n_columns; ++c) {
      const auto columns = static_cast<double>(grid.key_edge(c + 1) - grid.key_edge(c));
      mean[i * grid.n_columns + c] =
          static_cast<float>(sums[static_cast<std::size_t>(c)] / (rows * columns));
      max[i * grid.n_columns + c] = static_cast<float>(tops[static_cast<std::size_t>(c)]);
    }
  }
}

}  // namespace headlight
