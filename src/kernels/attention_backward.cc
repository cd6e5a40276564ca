#include "kernels/attention_backward.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "kernels/attention_backward_flash.h"
#include "kernels/attention_rows.h"

namespace headlight {
namespace {

constexpr std::string_view kOp = "attention_backward";

void check_like(std::string_view what, TensorView view, std::string_view like, TensorView model) {
  check(view && view.shape() == model.shape() && view.dtype() == DType::f32, kOp,
        "{} is {} {}; it must be f32 {} like {}", what, name_of(view.dtype()), view.shape(),
        model.shape(), like);
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
  check(p.dtype == DType::f32 && p.kv_dtype == DType::f32, kOp,
        "q is {}, k and v are {}; gradients are computed in f32", name_of(p.dtype),
        name_of(p.kv_dtype));
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

bool all_finite(TensorView view) {
  std::vector<float> buffer;
  for (std::int64_t b = 0; b < view.dim(0); ++b)
    for (std::int64_t t = 0; t < view.dim(1); ++t)
      for (std::int64_t h = 0; h < view.dim(2); ++h) {
        float poison = 0;  // 0 * x is NaN for a NaN or an infinite x, and stays in the sum
        for (float x : head_vector(view, b, t, h, buffer)) poison += 0 * x;
        if (poison != 0 || std::isnan(poison)) return false;
      }
  return true;
}

/// Why the tiled kernel leaves this call to the reference; nullopt: it does not.
std::optional<std::string> declines(const AttentionTensors& t, const AttentionGradients& g) {
  if (g.d_bias) return "d_bias is asked for";
  if (!g.d_alibi_slopes.empty()) return "d_alibi_slopes are asked for";
  if (!g.d_head_gate.empty() && std::ranges::find(t.head_gate, 0.0f) != t.head_gate.end())
    return "the gradient of a closed gate is asked for";
  if (!all_finite(t.k) || !all_finite(t.v)) return "k or v is not finite everywhere";
  return std::nullopt;
}

/// d_sinks and d_head_gate from sums of dz . z over a head's rows: with delta_i = dz_i . z_i, a
/// sink's gradient is -sum exp(sink - lse_i) delta_i and a gate's sum delta_i / gate.
void head_gradients(const AttentionProblem& p, const AttentionTensors& t,
                    const AttentionGradients& g) {
  if (g.d_sinks.empty() && g.d_head_gate.empty()) return;
  std::vector<float> z_buffer, dz_buffer;
  for (std::size_t h = 0; h < static_cast<std::size_t>(p.n_heads); ++h) {
    double sink = 0, gate = 0;
    for (std::int64_t b = 0; b < p.batch; ++b)
      for (std::int64_t i = 0; i < p.q_len; ++i) {
        const auto head = static_cast<std::int64_t>(h);
        const auto z = head_vector(t.z, b, i, head, z_buffer);
        const auto dz = head_vector(g.d_z, b, i, head, dz_buffer);
        const double delta = dot(z, dz);
        const double lse =
            t.lse.as<float>()[b * t.lse.stride(0) + head * t.lse.stride(1) + i * t.lse.stride(2)];
        if (std::isinf(lse)) continue;  // a dead row
        gate += delta;
        if (!t.sinks.empty()) sink -= std::exp(t.sinks[h] - lse) * delta;
      }
    const auto write = [&](std::span<float> to, double sum) {
      const double before = g.mode == GradientMode::add ? to[h] : 0.0;
      to[h] = static_cast<float>(before + sum);
    };
    if (!g.d_sinks.empty()) write(g.d_sinks, sink);
    if (!g.d_head_gate.empty()) write(g.d_head_gate, gate / t.head_gate[h]);
  }
}

}  // namespace

AttentionReport attention_backward(const AttentionTensors& tensors, const AttentionOptions& options,
                                   const AttentionGradients& gradients) {
  const AttentionProblem problem = attention_problem(tensors, options);
  check_gradients(tensors, gradients, problem);
  if (auto reason = declines(tensors, gradients)) {
    attention_backward_ref(problem, tensors, gradients);
    return {.kernel = "ref", .isa = "scalar", .declined = {{"flash", std::move(*reason)}}};
  }
  head_gradients(problem, tensors, gradients);
  const std::string_view isa = attention_backward_flash(problem, tensors, gradients);
  return {.kernel = "flash", .isa = isa, .declined = {}};
}

}  // namespace headlight
