#include "kernels/attention/backward/backward.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "kernels/attention/backward/flash.h"
#include "kernels/attention/backward/half.h"
#include "kernels/attention/pairs.h"
#include "kernels/attention/rows.h"

namespace headlight {
namespace {

constexpr std::string_view kOp = "attention_backward";

void check_like(std::string_view what, TensorView view, std::string_view like, TensorView model) {
  check(view && view.shape() == model.shape() &&
            (view.dtype() == DType::f32 || view.dtype() == model.dtype()),
        kOp, "{} is {} {}; it must be {} like {}{}", what, name_of(view.dtype()), view.shape(),
        model.shape(), like, model.dtype() == DType::f32 ? " and f32" : ", in its type or f32");
  check(view.stride(3) == 1 || view.dim(3) == 1, kOp,
        "{} has innermost stride {}; the last dimension must be contiguous", what, view.stride(3));
}

void check_per_head(std::string_view what, std::span<float> out, bool has_input, std::int64_t n) {
  check(out.empty() || has_input, kOp, "{} is asked for but its input is not given", what);
  check(out.empty() || out.size() == static_cast<std::size_t>(n), kOp,
        "{} has {} values for {} heads", what, out.size(), n);
}

void check_gradients(const AttentionTensors& t, const AttentionGradients& g,
                     const AttentionProblem& p) {
  check(p.kv_dtype != DType::i8, kOp, "k and v are i8; only f32, bf16 and f16 have gradients");
  check(!t.page_table, kOp, "k and v lie in pages; gradients need them in one piece");
  check(static_cast<bool>(t.lse), kOp, "lse is not given; the forward pass writes it on request");
  check_like("d_z", g.d_z, "z", t.z);
  check_like("d_q", g.d_q, "q", t.q);
  check_like("d_k", g.d_k, "k", t.k);
  check_like("d_v", g.d_v, "v", t.v);
  if (g.d_bias) {
    check(static_cast<bool>(t.bias), kOp, "d_bias is asked for but no bias is given");
    check_like("d_bias", g.d_bias, "bias", t.bias);
    check(g.d_bias.contiguous(), kOp, "d_bias must be contiguous");
  }
  check_per_head("d_sinks", g.d_sinks, !t.sinks.empty(), p.n_heads);
  check_per_head("d_head_gate", g.d_head_gate, !t.head_gate.empty(), p.n_heads);
  check_per_head("d_alibi_slopes", g.d_alibi_slopes, !t.alibi_slopes.empty(), p.n_heads);
}

/// Why the tiled kernel leaves this call to the reference; nullopt: it does not.
std::optional<std::string> declines(const AttentionTensors& t) {
  if (!all_finite(t.k) || !all_finite(t.v)) return "k or v is not finite everywhere";
  return std::nullopt;
}

}  // namespace

AttentionReport attention_backward(const AttentionTensors& tensors, const AttentionOptions& options,
                                   const AttentionGradients& gradients) {
  const AttentionProblem problem = attention_problem(tensors, options);
  if (has_short_pairs(tensors)) {
    AttentionGradients four = gradients;
    four.d_bias = with_four_extents(gradients.d_bias);
    return attention_backward(with_four_extents(tensors), options, four);
  }
  check_gradients(tensors, gradients, problem);
  if (is_half(tensors, gradients)) return attention_backward_half(tensors, options, gradients);
  if (auto reason = declines(tensors)) {
    attention_backward_ref(problem, tensors, gradients);
    return {.kernel = "ref", .isa = "scalar", .declined = {{"flash", std::move(*reason)}}};
  }
  if (gradients.d_bias && gradients.mode == GradientMode::overwrite)
    std::fill_n(gradients.d_bias.as<float>(), gradients.d_bias.numel(), 0.0f);
  const std::string_view isa = attention_backward_flash(problem, tensors, gradients);
  return {.kernel = "flash", .isa = isa, .declined = {}};
}

}  // namespace headlight
