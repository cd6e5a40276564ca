#include "kernels/attention/ref.h"

#include <cmath>
#include <limits>
#include <vector>

#include "core/threads.h"
#include "kernels/attention/rows.h"
#include "kernels/attention/statistics.h"

namespace headlight {
namespace {

void store(MutableTensorView view, std::int64_t offset, double value) {
  const auto x = static_cast<float>(value);
  switch (view.dtype()) {
    case DType::bf16:
      view.as<BFloat16>()[offset] = to_bfloat16(x);
      return;
    case DType::f16:
      view.as<Float16>()[offset] = to_float16(x);
      return;
    default:
      view.as<float>()[offset] = x;
  }
}

/// z_i = gate * sum_j pattern[j] * v_j. A pair whose pattern is 0 adds nothing, even where v is
/// NaN.
void weighted_sum(const AttentionProblem& problem, const AttentionTensors& tensors, RowIndex row,
                  std::span<const double> pattern, std::span<double> z) {
  std::vector<float> buffer;
  std::ranges::fill(z, 0.0);
  for (std::int64_t j = 0; j < problem.kv_len; ++j) {
    const double weight = pattern[static_cast<std::size_t>(j)];
    if (weight == 0) continue;
    const auto v = value_vector(tensors, {row.batch, j, problem.kv_head(row.head)}, buffer);
    for (std::size_t d = 0; d < z.size(); ++d) z[d] += weight * v[d];
  }
}

void attend(const AttentionProblem& problem, const AttentionTensors& tensors, RowIndex row) {
  std::vector<double> pattern(static_cast<std::size_t>(problem.kv_len));
  score_row(problem, tensors, row, pattern);
  const double lse = softmax_with_sink(pattern, sink_of(tensors, row.head));
  drop_out(problem, row, pattern);

  const double gate =
      tensors.head_gate.empty() ? 1.0 : tensors.head_gate[static_cast<std::size_t>(row.head)];
  std::vector<double> z(static_cast<std::size_t>(problem.head_dim_v));
  // A head that is switched off adds nothing, whatever its values hold.
  if (gate != 0) weighted_sum(problem, tensors, row, pattern, z);
  const std::int64_t at = row.batch * tensors.z.stride(0) + row.query * tensors.z.stride(1) +
                          row.head * tensors.z.stride(2);
  for (std::size_t d = 0; d < z.size(); ++d)
    store(tensors.z, at + static_cast<std::int64_t>(d), gate * z[d]);
  if (tensors.lse)
    store(tensors.lse,
          row.batch * tensors.lse.stride(0) + row.head * tensors.lse.stride(1) +
              row.query * tensors.lse.stride(2),
          lse);
}

void run(const AttentionProblem& problem, const AttentionTensors& tensors) {
  parallel_for(problem.batch * problem.n_heads * problem.q_len, [&](std::int64_t index) {
    const std::int64_t i = index % problem.q_len;
    const std::int64_t bh = index / problem.q_len;
    attend(problem, tensors, {bh / problem.n_heads, bh % problem.n_heads, i});
  });
  if (tensors.statistics) attention_statistics_ref(problem, tensors);
}

}  // namespace

AttentionKernel attention_ref() {
  return {.name = "ref",
          .declines = [](const AttentionProblem&) { return std::optional<std::string>(); },
          .run = run,
          .isa = []() { return std::string_view("scalar"); }};
}

}  // namespace headlight
