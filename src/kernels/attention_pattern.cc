#include "kernels/attention_pattern.h"

#include <algorithm>
#include <vector>

#include "core/error.h"
#include "core/threads.h"
#include "kernels/attention_rows.h"

namespace headlight {
namespace {

constexpr std::string_view kOp = "attention_pattern";

void check_rows(const AttentionProblem& p, PatternRows rows, TensorView out) {
  check(rows.batch >= 0 && rows.batch < p.batch, kOp, "batch entry {} of {}", rows.batch, p.batch);
  check(rows.head >= 0 && rows.head < p.n_heads, kOp, "head {} of {}", rows.head, p.n_heads);
  check(0 <= rows.row_begin && rows.row_begin <= rows.row_end && rows.row_end <= p.q_len, kOp,
        "rows {}:{} do not lie in 0:{}", rows.row_begin, rows.row_end, p.q_len);
  const Shape expected{rows.row_end - rows.row_begin, p.kv_len};
  check(out.shape() == expected && out.dtype() == DType::f32 && out.contiguous(), kOp,
        "out is {} {} with strides {}; it must be contiguous f32 {}", name_of(out.dtype()),
        out.shape(), out.strides(), expected);
}

}  // namespace

void attention_pattern(const AttentionProblem& problem, const AttentionTensors& tensors,
                       PatternRows rows, MutableTensorView out) {
  check_rows(problem, rows, out);
  parallel_for(rows.row_end - rows.row_begin, [&](std::int64_t r) {
    std::vector<double> pattern(static_cast<std::size_t>(problem.kv_len));
    score_row(problem, tensors, {rows.batch, rows.head, rows.row_begin + r}, pattern);
    softmax_with_sink(pattern, sink_of(tensors, rows.head));
    float* to = out.as<float>() + r * problem.kv_len;
    std::ranges::transform(pattern, to, [](double x) { return static_cast<float>(x); });
  });
}

}  // namespace headlight
