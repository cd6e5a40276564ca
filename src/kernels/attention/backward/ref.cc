// The gradients of attention, pair by pair, in double. One pass per (batch, key/value head): its
// query heads are visited in order, so the sums have one fixed order.
#include <cmath>
#include <limits>
#include <vector>

#include "core/threads.h"
#include "kernels/attention/backward/backward.h"
#include "kernels/attention/rows.h"

namespace headlight {
namespace {

std::size_t index_of(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

/// Sums of one (batch, key/value head) in double, written out at the end.
struct KvSums {
  std::int64_t d, dv;
  std::vector<double> k, v;  // [Tkv, D], [Tkv, Dv]

  explicit KvSums(const AttentionProblem& p)
      : d(p.head_dim), dv(p.head_dim_v), k(index_of(p.kv_len * d)), v(index_of(p.kv_len * dv)) {}
};

/// Sums over the rows of one query head.
struct HeadSums {
  double sink = 0, gate = 0, slope = 0;
};

class RowBackward {
 public:
  RowBackward(const AttentionProblem& problem, const AttentionTensors& tensors,
              const AttentionGradients& gradients)
      : p_(problem),
        t_(tensors),
        g_(gradients),
        pattern_(index_of(problem.kv_len)),
        kept_(index_of(problem.kv_len)),
        d_pattern_(index_of(problem.kv_len)),
        d_q_(index_of(problem.head_dim)) {}

  void run(RowIndex row, KvSums& kv, HeadSums& head) {
    score_row(p_, t_, row, pattern_);
    const double lse = softmax_with_sink(pattern_, sink_of(t_, row.head));
    if (std::isinf(lse)) return write_d_q(row, 0);  // a dead row: nothing flows
    std::ranges::fill(kept_, 1.0);
    drop_out(p_, row, kept_);
    const double delta = pattern_gradient(row, kv, head);
    std::ranges::fill(d_q_, 0.0);
    const auto q = head_vector(t_.q, row.batch, row.query, row.head, q_buffer_);
    for (std::int64_t j = 0; j < p_.kv_len; ++j)
      if (pattern_[index_of(j)] > 0) pair(row, j, delta, q, kv, head);
    write_d_q(row, 1);
    head.sink -= std::exp(sink_of(t_, row.head) - lse) * delta;
  }

 private:
  double gate(std::int64_t h) const {
    return t_.head_gate.empty() ? 1.0 : t_.head_gate[index_of(h)];
  }

  /// Fills dP of the row, adds dV and the gate's gradient; returns delta.
  double pattern_gradient(RowIndex row, KvSums& kv, HeadSums& head) {
    const auto dz = head_vector(g_.d_z, row.batch, row.query, row.head, dz_buffer_);
    double ungated = 0;
    for (std::int64_t j = 0; j < p_.kv_len; ++j) {
      const double kept = kept_[index_of(j)], weight = kept * pattern_[index_of(j)];
      d_pattern_[index_of(j)] = 0;
      if (weight == 0) continue;
      const auto v = head_vector(t_.v, row.batch, j, p_.kv_head(row.head), kv_buffer_);
      const double d = dot(dz, v);
      d_pattern_[index_of(j)] = gate(row.head) * kept * d;
      ungated += weight * d;
      for (std::int64_t e = 0; e < kv.dv; ++e)
        kv.v[index_of(j * kv.dv + e)] += gate(row.head) * weight * dz[index_of(e)];
    }
    head.gate += ungated;
    return gate(row.head) * ungated;
  }

  /// dS of one pair, and what flows from it to q, k, the bias and the slope.
  void pair(RowIndex row, std::int64_t j, double delta, std::span<const float> q, KvSums& kv,
            HeadSums& head) {
    const double d_score = pattern_[index_of(j)] * (d_pattern_[index_of(j)] - delta);
    head.slope += d_score * static_cast<double>(j - p_.position(row.query));
    add_bias(row, j, d_score);
    const auto k = head_vector(t_.k, row.batch, j, p_.kv_head(row.head), kv_buffer_);
    double d_raw = d_score * p_.scale;
    if (p_.softcap > 0) {
      const double t = std::tanh(p_.scale * dot(q, k) / p_.softcap);
      d_raw *= 1 - t * t;
    }
    for (std::size_t d = 0; d < d_q_.size(); ++d) {
      d_q_[d] += d_raw * k[d];
      kv.k[index_of(j * kv.d) + d] += d_raw * q[d];
    }
  }

  void add_bias(RowIndex row, std::int64_t j, double d_score) const {
    if (!g_.d_bias) return;
    const std::int64_t index[] = {row.batch, row.head, row.query, j};
    std::int64_t offset = 0;
    for (std::size_t i = 0; i < 4; ++i)
      if (g_.d_bias.dim(i) != 1) offset += index[i] * g_.d_bias.stride(i);
    g_.d_bias.as<float>()[offset] += static_cast<float>(d_score);
  }

  void write_d_q(RowIndex row, double factor) const {
    float* to = g_.d_q.as<float>() + row.batch * g_.d_q.stride(0) + row.query * g_.d_q.stride(1) +
                row.head * g_.d_q.stride(2);
    for (std::size_t d = 0; d < d_q_.size(); ++d) to[d] = static_cast<float>(factor * d_q_[d]);
  }

  const AttentionProblem& p_;
  const AttentionTensors& t_;
  const AttentionGradients& g_;
  std::vector<double> pattern_, kept_, d_pattern_, d_q_;  // kept_: what dropout multiplies by
  std::vector<float> q_buffer_, kv_buffer_, dz_buffer_;
};

void write_kv(MutableTensorView to, std::int64_t batch, std::int64_t head,
              std::span<const double> from) {
  const std::int64_t width = to.dim(3);
  for (std::int64_t j = 0; j < to.dim(1); ++j)
    for (std::int64_t d = 0; d < width; ++d)
      to.as<float>()[batch * to.stride(0) + j * to.stride(1) + head * to.stride(2) + d] =
          static_cast<float>(from[index_of(j * width + d)]);
}

void zero(MutableTensorView view) {
  if (!view) return;
  check(view.contiguous(), "attention_backward", "d_bias must be contiguous");
  std::fill_n(view.as<float>(), view.numel(), 0.0f);
}

}  // namespace

void attention_backward_ref(const AttentionProblem& problem, const AttentionTensors& tensors,
                            const AttentionGradients& gradients) {
  if (gradients.mode == GradientMode::overwrite) {
    zero(gradients.d_bias);
    for (auto sums : {gradients.d_sinks, gradients.d_head_gate, gradients.d_alibi_slopes})
      std::ranges::fill(sums, 0.0f);
  }
  RowBackward rows(problem, tensors, gradients);
  const std::int64_t group = problem.n_heads / problem.n_kv_heads;
  for (std::int64_t b = 0; b < problem.batch; ++b)
    for (std::int64_t kv_head = 0; kv_head < problem.n_kv_heads; ++kv_head) {
      KvSums kv(problem);
      for (std::int64_t h = kv_head * group; h < (kv_head + 1) * group; ++h) {
        HeadSums head;
        for (std::int64_t i = 0; i < problem.q_len; ++i) rows.run({b, h, i}, kv, head);
        const std::size_t at = index_of(h);
        if (!gradients.d_sinks.empty()) gradients.d_sinks[at] += static_cast<float>(head.sink);
        if (!gradients.d_head_gate.empty())
          gradients.d_head_gate[at] += static_cast<float>(head.gate);
        if (!gradients.d_alibi_slopes.empty())
          gradients.d_alibi_slopes[at] += static_cast<float>(head.slope);
      }
      write_kv(gradients.d_k, b, kv_head, kv.k);
      write_kv(gradients.d_v, b, kv_head, kv.v);
    }
}

}  // namespace headlight
