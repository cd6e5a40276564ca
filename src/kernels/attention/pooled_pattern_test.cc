#include "kernels/attention/pooled_pattern.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "core/threads.h"
#include "support/expect_error.h"
#include "support/vector_targets.h"

namespace headlight {
namespace {

using testing::expect_error;
using testing::normal_values;
using testing::on_every_target;

/// One head drawn at random, inside rows of several heads, and its lse in double.
struct Case {
  std::int64_t q_len = 1, kv_len = 1, dim = 8;
  Causal causal = Causal::none;
  Window window = {};
  float spread = 1;  ///< of q: scores grow with it
  float offset = 0;  ///< of q along a key direction that all share: lse moves away from 0
};

struct Head {
  explicit Head(const Case& c) {
    const std::int64_t stride = 2 * c.dim + 3;
    q = normal_values(static_cast<std::size_t>(c.q_len * stride), 0, c.spread, 3);
    k = normal_values(static_cast<std::size_t>(c.kv_len * stride), 0, 1, 5);
    for (std::int64_t i = 0; i < c.q_len; ++i) q[static_cast<std::size_t>(i * stride)] += c.offset;
    for (std::int64_t j = 0; j < c.kv_len; ++j) k[static_cast<std::size_t>(j * stride)] += 3;
    scores.q = TensorView(q.data(), {c.q_len, c.dim}, {stride, 1});
    scores.k = TensorView(k.data(), {c.kv_len, c.dim}, {stride, 1});
    scores.scale = 1 / std::sqrt(static_cast<float>(c.dim));
    scores.causal = c.causal;
    scores.window = c.window;
    lse.resize(static_cast<std::size_t>(c.q_len));
    for (std::int64_t i = 0; i < c.q_len; ++i) lse[static_cast<std::size_t>(i)] = row_lse(i);
    scores.lse = TensorView(lse.data(), {c.q_len});
  }

  double score(std::int64_t i, std::int64_t j, bool of_sizes = false) const {
    double sum = 0;
    for (std::int64_t d = 0; d < scores.q.dim(1); ++d) {
      const double product =
          static_cast<double>(q[static_cast<std::size_t>(i * scores.q.stride(0) + d)]) *
          k[static_cast<std::size_t>(j * scores.k.stride(0) + d)];
      sum += of_sizes ? std::fabs(product) : product;
    }
    return sum * static_cast<double>(scores.scale);
  }

  float row_lse(std::int64_t i) const {
    const auto seen = scores.problem().keys_of(i);
    double sum = 0;
    for (std::int64_t j = seen.first; j < seen.last; ++j) sum += std::exp(score(i, j));
    return static_cast<float>(std::log(sum));
  }

  /// How far an entry may be off, as a part of it: what fp32 leaves uncertain in the score (a
  /// product, a sum of D, the scale), in lse, and in the exponential.
  double tolerance() const {
    constexpr double kRounding = 0x1p-24;
    double largest = 0;
    for (std::int64_t i = 0; i < scores.q.dim(0); ++i)
      for (std::int64_t j = 0; j < scores.k.dim(0); ++j)
        largest = std::max(largest, score(i, j, true));
    double lse_size = 0;
    for (const float x : lse)
      if (std::isfinite(x)) lse_size = std::max(lse_size, static_cast<double>(std::fabs(x)));
    const double dim = static_cast<double>(scores.q.dim(1));
    return kRounding * ((dim + 2) * largest + 2 * (largest + lse_size) + 16);
  }

  std::vector<float> q, k, lse;
  HeadScores scores;
};

std::vector<float> run(const Head& head, const PatternGrid& grid,
                       void (*pool)(const HeadScores&, const PatternGrid&, MutableTensorView)) {
  std::vector<float> out(static_cast<std::size_t>(2 * grid.n_rows * grid.n_columns), -1.0f);
  pool(head.scores, grid, MutableTensorView(out.data(), {2, grid.n_rows, grid.n_columns}));
  return out;
}

/// The largest |fast - reference| / (reference + 1e-30): both are sums of positive numbers.
double worst(const std::vector<float>& fast, const std::vector<float>& reference) {
  double most = 0;
  for (std::size_t i = 0; i < fast.size(); ++i) {
    const double expected = reference[i], error = std::fabs(fast[i] - expected);
    if (expected < 1e-30) {
      EXPECT_LT(fast[i], 1e-29f);
      continue;
    }
    most = std::max(most, error / expected);
  }
  return most;
}

/// Sums of n positive fp32 numbers, and the last rounding, are off by no more than this part.
double summing(const PatternGrid& grid) {
  return 0x1p-24 * static_cast<double>(std::min(grid.rows_per_cell, grid.row_end) + 4);
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const Causal causal : {Causal::none, Causal::bottom_right, Causal::top_left})
    for (const std::int64_t length : {1, 2, 31, 33, 97, 150})
      for (const std::int64_t dim : {1, 6, 8, 40})
        all.push_back({.q_len = length, .kv_len = length, .dim = dim, .causal = causal});
  all.push_back({.q_len = 40, .kv_len = 97, .dim = 8, .causal = Causal::bottom_right});
  all.push_back(
      {.q_len = 97, .kv_len = 40, .dim = 8, .causal = Causal::bottom_right});  // dead rows
  all.push_back({.q_len = 90, .kv_len = 90, .causal = Causal::bottom_right, .window = {7, -1}});
  all.push_back({.q_len = 90, .kv_len = 90, .window = {20, 3}});
  all.push_back({.q_len = 70, .kv_len = 70, .dim = 16, .spread = 6});
  all.push_back({.q_len = 70,
                 .kv_len = 70,
                 .dim = 16,
                 .causal = Causal::bottom_right,
                 .spread = 2,
                 .offset = 90});
  all.push_back({.q_len = 70, .kv_len = 70, .dim = 16, .spread = 2, .offset = -90});
  return all;
}

/// Whole, a part off every boundary, single entries, one cell.
std::vector<PatternGrid> grids(const Case& c) {
  std::vector<PatternGrid> all;
  for (const std::int64_t cells : {1, 3, 7, 64}) {
    PatternGrid whole{.row_end = c.q_len, .key_end = c.kv_len};
    whole.n_rows = std::min(cells, c.q_len);
    whole.n_columns = std::min(cells + 2, c.kv_len);
    for (const std::int64_t rows : {1, 2, 1000}) {
      whole.rows_per_cell = rows;
      all.push_back(whole);
    }
  }
  if (c.q_len < 30 || c.kv_len < 30) return all;
  PatternGrid part{.row_begin = 11, .row_end = c.q_len - 3, .key_begin = 5, .key_end = 28};
  part.n_rows = 5;
  part.n_columns = 23;
  part.rows_per_cell = 1000;
  all.push_back(part);
  return all;
}

TEST(PooledPattern, EveryTargetAgreesWithTheReference) {
  for (const Case& c : cases()) {
    const Head head(c);
    const double tolerance = std::expm1(head.tolerance());
    for (const PatternGrid& grid : grids(c)) {
      const std::vector<float> reference = run(head, grid, pooled_pattern_ref);
      on_every_target([&] {
        ASSERT_LE(worst(run(head, grid, pooled_pattern), reference), tolerance + summing(grid))
            << c.q_len << "x" << c.kv_len << " head_dim " << c.dim << " causal "
            << static_cast<int>(c.causal) << " cells " << grid.n_rows << "x" << grid.n_columns
            << " of " << grid.rows_per_cell;
      });
    }
  }
}

TEST(PooledPattern, LseFarFromZeroIsReallyThere) {
  const Head up({.q_len = 70, .kv_len = 70, .dim = 16, .spread = 2, .offset = 90});
  const Head down({.q_len = 70, .kv_len = 70, .dim = 16, .spread = 2, .offset = -90});
  EXPECT_GT(*std::ranges::min_element(up.lse), 40);
  EXPECT_LT(*std::ranges::max_element(down.lse), 10);
}

TEST(PooledPattern, AWrongLseIsNotMissed) {
  const Case c{.q_len = 70, .kv_len = 70, .dim = 16, .causal = Causal::bottom_right};
  Head head(c);
  const PatternGrid grid = grids(c).back();
  const std::vector<float> reference = run(head, grid, pooled_pattern_ref);
  head.lse[30] += 1e-3f;
  EXPECT_GT(worst(run(head, grid, pooled_pattern), reference),
            std::expm1(head.tolerance()) + summing(grid));
}

TEST(PooledPattern, CellsAreMeansAndMaximaOfTheRowsThatSumToOne) {
  const Case c{.q_len = 60, .kv_len = 60, .causal = Causal::bottom_right};
  const Head head(c);
  PatternGrid grid{.row_end = 60, .key_end = 60, .n_rows = 4, .n_columns = 60};
  grid.rows_per_cell = 15;
  const std::vector<float> out = run(head, grid, pooled_pattern);
  for (std::size_t i = 0; i < 4; ++i) {
    double sum = 0;
    for (std::size_t j = 0; j < 60; ++j) {
      sum += static_cast<double>(out[i * 60 + j]);
      EXPECT_LE(out[i * 60 + j], out[240 + i * 60 + j]);
      EXPECT_LE(out[240 + i * 60 + j], 15 * out[i * 60 + j] * 1.00001f);
    }
    EXPECT_NEAR(sum, 1, 1e-5);
  }
  EXPECT_EQ(out[15], 0) << "no query of the first cell sees key 15";
}

TEST(PooledPattern, SampledRowsAreOneFromEachStratum) {
  PatternGrid grid{.row_begin = 10, .row_end = 1010, .key_end = 5, .n_rows = 7, .n_columns = 5};
  grid.rows_per_cell = 9;
  const SampledRows sampled = sample_rows(grid);
  ASSERT_EQ(sampled.rows.size(), 63u);
  ASSERT_EQ(sampled.first.size(), 8u);
  std::vector<std::int64_t> gaps;
  for (std::int64_t cell = 0; cell < 7; ++cell) {
    const std::int64_t begin = grid.row_edge(cell), rows = grid.row_edge(cell + 1) - begin;
    for (std::int64_t s = 0; s < 9; ++s) {
      const std::int64_t row = sampled.rows[static_cast<std::size_t>(cell * 9 + s)];
      EXPECT_GE(row, begin + s * rows / 9);
      EXPECT_LT(row, begin + (s + 1) * rows / 9);
      gaps.push_back(row % 4);
    }
  }
  for (const std::int64_t rest : {0, 1, 2, 3})
    EXPECT_GT(std::ranges::count(gaps, rest), 5) << "the rows keep in step with the text";
  grid.rows_per_cell = 1000;
  const SampledRows all = sample_rows(grid);
  ASSERT_EQ(all.rows.size(), 1000u);
  for (std::size_t i = 0; i < 1000; ++i) EXPECT_EQ(all.rows[i], 10 + static_cast<std::int64_t>(i));
}

TEST(PooledPattern, TheSameOnAnyNumberOfThreads) {
  const Case c{.q_len = 500, .kv_len = 500, .causal = Causal::bottom_right};
  const Head head(c);
  PatternGrid grid{.row_end = 500, .key_end = 500, .n_rows = 20, .n_columns = 500};
  grid.rows_per_cell = 25;
  const std::vector<float> several = run(head, grid, pooled_pattern);
  const ThreadLimit alone(1);
  EXPECT_EQ(run(head, grid, pooled_pattern), several);
}

TEST(PooledPattern, RefusalsNameWhatThereIs) {
  const Head head({.q_len = 9, .kv_len = 9});
  const auto refused = [&](const PatternGrid& grid, const std::string& part) {
    expect_error([&] { run(head, grid, pooled_pattern); }, {part});
    expect_error([&] { run(head, grid, pooled_pattern_ref); }, {part});
  };
  refused({.row_begin = 3, .row_end = 10, .key_end = 9}, "rows 3:10 do not lie in 0:9");
  refused({.row_end = 9, .key_begin = 4, .key_end = 4}, "columns 4:4 do not lie in 0:9");
  refused({.row_end = 9, .key_end = 9, .n_rows = 10}, "9 rows in 10 cells");
  refused({.row_end = 9, .key_end = 9, .rows_per_cell = 0}, "rows_per_cell 0");
  Head other({.q_len = 9, .kv_len = 9});
  other.scores.lse = TensorView(other.lse.data(), {8});
  expect_error([&] { run(other, {.row_end = 9, .key_end = 9}, pooled_pattern); },
               {"needs f32 [9]"});
}

}  // namespace
}  // namespace headlight
