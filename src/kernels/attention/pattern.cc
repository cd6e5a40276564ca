// Rows of one head's pattern from the tiled kernel: a call of this head alone, switched off, so
// that tiles without a chosen row do nothing and the others stop at their weights.
#include "kernels/attention/pattern.h"

#include <array>
#include <cstddef>
#include <numeric>
#include <vector>

#include "core/error.h"
#include "core/slice.h"
#include "core/threads.h"
#include "kernels/attention/flash/flash.h"
#include "kernels/attention/gather.h"
#include "kernels/attention/pairs.h"
#include "kernels/attention/statistics.h"
#include "kernels/target_override.h"

namespace headlight {
namespace {

constexpr std::string_view kOp = "attention_pattern";

std::uint8_t bits(std::initializer_list<Extra> extras) {
  unsigned all = 0;
  for (const Extra e : extras) all |= static_cast<unsigned>(e);
  return static_cast<std::uint8_t>(all);
}

/// A problem of one head without values.
AttentionProblem problem_of(const AttentionProblem& whole) {
  AttentionProblem p = whole;
  p.batch = p.n_heads = p.n_kv_heads = 1;
  p.head_dim_v = 0;
  p.dropout = {};
  const std::uint8_t kept = bits({Extra::mask, Extra::bias, Extra::alibi, Extra::sinks});
  p.extras = static_cast<std::uint8_t>((whole.extras & kept) |
                                       bits({Extra::statistics, Extra::head_gate}));
  return p;
}

/// The head's part of a mask or bias [B, H, Tq, Tkv], whose extents may be 1.
TensorView pairs_of(TensorView pairs, const PatternRows& rows) {
  if (pairs && pairs.dim(0) != 1) pairs = slice(pairs, 0, rows.batch, 1);
  if (pairs && pairs.dim(1) != 1) pairs = slice(pairs, 1, rows.head, 1);
  return pairs;
}

/// What the head sees. `nothing` is its gate, and where its values and z would be.
AttentionTensors tensors_of(const AttentionProblem& p, const AttentionTensors& t,
                            const PatternRows& rows, float* nothing) {
  const auto keys = [&](const TensorView& of) {
    const TensorView head = slice(of, 2, p.kv_head(rows.head), 1);
    return t.page_table ? head : slice(head, 0, rows.batch, 1);
  };
  const auto batch = static_cast<std::size_t>(rows.batch);
  const auto head = static_cast<std::size_t>(rows.head);
  AttentionTensors one;
  one.q = slice(slice(t.q, 0, rows.batch, 1), 2, rows.head, 1);
  one.k = keys(t.k);
  one.k_scale = keys(t.k_scale);
  one.v = TensorView(nothing, {one.k.dim(0), one.k.dim(1), 1, 0}, {0, 0, 0, 1});
  one.z = MutableTensorView(nothing, {1, p.q_len, 1, 0}, {0, 0, 0, 1});
  one.head_gate = {nothing, 1};
  one.page_table = slice(t.page_table, 0, rows.batch, 1);
  if (!t.kv_lengths.empty()) one.kv_lengths = t.kv_lengths.subspan(batch, 1);
  one.mask = pairs_of(t.mask, rows);
  one.bias = pairs_of(t.bias, rows);
  if (!t.alibi_slopes.empty()) one.alibi_slopes = t.alibi_slopes.subspan(head, 1);
  if (!t.sinks.empty()) one.sinks = t.sinks.subspan(head, 1);
  return one;
}

/// Makes the row, which is in proportion, sum to 1.
void normalise(std::span<float> row) {
  constexpr std::size_t kSums = 8;  // side by side, or each addition would wait for the last
  std::array<double, kSums> sums{};
  const std::size_t whole = row.size() / kSums * kSums;
  for (std::size_t j = 0; j < whole; j += kSums)
    for (std::size_t i = 0; i < kSums; ++i) sums[i] += row[j + i];
  for (std::size_t j = whole; j < row.size(); ++j) sums[0] += row[j];
  const double sum = std::accumulate(sums.begin(), sums.end(), 0.0);
  if (sum == 0) return;
  const auto factor = static_cast<float>(1 / sum);
  for (float& p : row) p *= factor;
}

}  // namespace

void check_pattern_rows(const AttentionProblem& p, PatternRows rows, TensorView out) {
  check(rows.batch >= 0 && rows.batch < p.batch, kOp, "batch entry {} of {}", rows.batch, p.batch);
  check(rows.head >= 0 && rows.head < p.n_heads, kOp, "head {} of {}", rows.head, p.n_heads);
  check(0 <= rows.row_begin && rows.row_begin <= rows.row_end && rows.row_end <= p.q_len, kOp,
        "rows {}:{} do not lie in 0:{}", rows.row_begin, rows.row_end, p.q_len);
  const Shape expected{rows.row_end - rows.row_begin, p.kv_len};
  check(out.shape() == expected && out.dtype() == DType::f32 && out.contiguous(), kOp,
        "out is {} {} with strides {}; it must be contiguous f32 {}", name_of(out.dtype()),
        out.shape(), out.strides(), expected);
}

void attention_pattern(const AttentionProblem& problem, const AttentionTensors& tensors,
                       PatternRows rows, MutableTensorView out) {
  check_pattern_rows(problem, rows, out);
  use_target_from_environment();
  const std::int64_t count = rows.row_end - rows.row_begin, kv_len = problem.kv_len;
  if (count == 0 || kv_len == 0) return;
  float nothing = 0;
  AttentionTensors one = tensors_of(problem, with_four_extents(tensors), rows, &nothing);
  std::vector<std::int64_t> queries;  // empty: all of them
  if (count < problem.q_len) {
    queries.resize(static_cast<std::size_t>(count));
    std::iota(queries.begin(), queries.end(), rows.row_begin);
  }
  const AttentionStatistics request{
      .pattern_queries = queries,
      .pattern = MutableTensorView(out.as<float>(), {1, 1, count, kv_len})};
  one.statistics = &request;
  const AttentionKernel tiled = tensors.page_table ? attention_gather() : attention_flash();
  tiled.run(problem_of(problem), one);
  if (!tensors.sinks.empty()) return;  // a sink has a share, too, so there is no sum to hold to
  parallel_for(count, [&](std::int64_t i) {
    normalise({out.as<float>() + i * kv_len, static_cast<std::size_t>(kv_len)});
  });
}

}  // namespace headlight
