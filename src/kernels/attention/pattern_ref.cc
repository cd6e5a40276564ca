#include <algorithm>
#include <vector>

#include "core/threads.h"
#include "kernels/attention/pairs.h"
#include "kernels/attention/pattern.h"
#include "kernels/attention/rows.h"

namespace headlight {

void attention_pattern_ref(const AttentionProblem& problem, const AttentionTensors& tensors,
                           PatternRows rows, MutableTensorView out) {
  check_pattern_rows(problem, rows, out);
  const AttentionTensors t = with_four_extents(tensors);
  parallel_for(rows.row_end - rows.row_begin, [&](std::int64_t r) {
    std::vector<double> pattern(static_cast<std::size_t>(problem.kv_len));
    score_row(problem, t, {rows.batch, rows.head, rows.row_begin + r}, pattern);
    softmax_with_sink(pattern, sink_of(t, rows.head));
    float* to = out.as<float>() + r * problem.kv_len;
    std::ranges::transform(pattern, to, [](double x) { return static_cast<float>(x); });
  });
}

}  // namespace headlight
