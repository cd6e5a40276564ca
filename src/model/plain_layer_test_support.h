// The layer again in plain loops and double precision, sharing no code with the product.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "model/multi_head_attention.h"

namespace headlight::testing {

using Matrix = std::vector<std::vector<double>>;  // [row][column]

/// One sequence: its inputs, and what may attend to what.
struct PlainCall {
  Matrix query, key, value;
  std::function<bool(std::int64_t h, std::int64_t i, std::int64_t j)> visible = {};
  std::function<double(std::int64_t h, std::int64_t i, std::int64_t j)> bias = {};
  std::vector<double> gate = {};
  /// What dropout multiplies the weight of a pair by; keys count the layer's added ones.
  std::function<double(std::int64_t h, std::int64_t i, std::int64_t j)> kept = {};
};

struct PlainResult {
  Matrix out;                            // [Tq][d_out]
  std::vector<Matrix> z;                 // [h][Tq][Dv]
  std::vector<Matrix> pattern;           // [h][Tq][added + Tkv]
  std::vector<std::vector<double>> lse;  // [h][Tq]
};

class PlainLayer {
 public:
  explicit PlainLayer(const MultiHeadAttention& layer) : c_(layer.config()) {
    for (std::size_t i = 0; i < kAttentionWeights; ++i) {
      const TensorView view = layer.weight(static_cast<AttentionWeight>(i));
      if (view) weights_[i].assign(view.as<float>(), view.as<float>() + view.numel());
    }
    slopes_.assign(layer.alibi_slopes().begin(), layer.alibi_slopes().end());
  }

  /// Copies that may be changed, to see what the output does.
  std::span<double> weight(AttentionWeight which) {
    return weights_[static_cast<std::size_t>(which)];
  }
  std::span<double> alibi_slopes() { return slopes_; }

  PlainResult run(const PlainCall& call) const {
    const Matrix q = heads_ready(project(call.query, AttentionWeight::w_q, AttentionWeight::b_q),
                                 c_.n_heads, AttentionWeight::q_norm);
    Matrix k = heads_ready(project(call.key, AttentionWeight::w_k, AttentionWeight::b_k),
                           c_.n_kv_heads, AttentionWeight::k_norm);
    Matrix v = project(call.value, AttentionWeight::w_v, AttentionWeight::b_v);
    if (c_.zero_key_value) {
      k.insert(k.begin(), std::vector<double>(width(c_.k_width())));
      v.insert(v.begin(), std::vector<double>(width(c_.v_width())));
    }
    if (c_.added_key_value) {
      k.insert(k.begin(), vector_of(AttentionWeight::added_k));
      v.insert(v.begin(), vector_of(AttentionWeight::added_v));
    }
    PlainResult result;
    Matrix joined(q.size(), std::vector<double>(width(c_.z_width())));
    for (std::int64_t h = 0; h < c_.n_heads; ++h) attend(call, h, q, k, v, joined, result);
    result.out = product(joined, AttentionWeight::w_o, AttentionWeight::b_o);
    return result;
  }

  /// x W^T + b.
  Matrix product(const Matrix& x, AttentionWeight weight, AttentionWeight bias) const {
    return project(x, weight, bias);
  }

 private:
  static std::size_t width(std::int64_t n) { return static_cast<std::size_t>(n); }

  const std::vector<double>& vector_of(AttentionWeight which) const {
    return weights_[static_cast<std::size_t>(which)];
  }

  Matrix project(const Matrix& x, AttentionWeight weight, AttentionWeight bias) const {
    const auto &w = vector_of(weight), &b = vector_of(bias);
    const std::size_t outputs = width((*weight_shape(c_, weight))[0]);
    Matrix y(x.size(), std::vector<double>(outputs));
    for (std::size_t t = 0; t < x.size(); ++t)
      for (std::size_t o = 0; o < outputs; ++o) {
        double sum = b.empty() ? 0 : b[o];
        for (std::size_t i = 0; i < x[t].size(); ++i) sum += x[t][i] * w[o * x[t].size() + i];
        y[t][o] = sum;
      }
    return y;
  }

  Matrix heads_ready(Matrix x, std::int64_t heads, AttentionWeight norm) const {
    const auto& weight = vector_of(norm);
    for (std::size_t t = 0; t < x.size(); ++t)
      for (std::int64_t h = 0; h < heads; ++h) {
        double* head = x[t].data() + h * c_.head_dim;
        if (c_.qk_norm_eps) rms_norm(head, weight);
        if (c_.rotary) rotate(head, static_cast<double>(t));
      }
    return x;
  }

  void rms_norm(double* head, const std::vector<double>& weight) const {
    double squares = 0;
    for (std::int64_t i = 0; i < c_.head_dim; ++i) squares += head[i] * head[i];
    const double eps = static_cast<double>(*c_.qk_norm_eps);
    const double root = std::sqrt(squares / static_cast<double>(c_.head_dim) + eps);
    for (std::size_t i = 0; i < weight.size(); ++i) head[i] *= weight[i] / root;
  }

  /// What Llama 3.1 multiplies an angular frequency by: wavelengths beyond trained_len / low are
  /// stretched, those below trained_len / high kept.
  static double llama3_stretch(double frequency, const Llama3Scaling& s) {
    const double turns = s.trained_len * frequency / (2 * std::acos(-1.0));
    const double keep = std::clamp(
        (turns - s.low_freq_factor) / (s.high_freq_factor - s.low_freq_factor), 0.0, 1.0);
    return keep + (1 - keep) / s.factor;
  }

  void rotate(double* head, double position) const {
    const std::int64_t r = c_.rotary->rotary_dim;
    const bool half_split = c_.rotary->layout == RopeLayout::half_split;
    for (std::int64_t i = 0; i < r / 2; ++i) {
      double frequency =
          std::pow(c_.rotary->theta, -2.0 * static_cast<double>(i) / static_cast<double>(r)) /
          c_.rotary->linear_factor;
      if (c_.rotary->llama3) frequency *= llama3_stretch(frequency, *c_.rotary->llama3);
      const double angle = position * frequency;
      double& a = head[half_split ? i : 2 * i];
      double& b = head[half_split ? i + r / 2 : 2 * i + 1];
      const double turned = a * std::cos(angle) - b * std::sin(angle);
      b = a * std::sin(angle) + b * std::cos(angle);
      a = turned;
    }
  }

  double score(const PlainCall& call, std::int64_t h, std::int64_t i, std::int64_t j,
               std::span<const double> q, std::span<const double> k) const {
    double s = 0;
    for (std::size_t d = 0; d < q.size(); ++d) s += q[d] * k[d];
    s *=
        c_.scale ? static_cast<double>(*c_.scale) : 1 / std::sqrt(static_cast<double>(c_.head_dim));
    if (c_.softcap > 0) {
      const double cap = static_cast<double>(c_.softcap);
      s = cap * std::tanh(s / cap);
    }
    if (j < 0) return s;  // an added key: visible to all, without bias
    const auto position =
        i + (c_.causal == Causal::top_left ? 0 : std::ssize(call.key) - std::ssize(call.query));
    const bool hidden = (c_.causal != Causal::none && j > position) ||
                        (c_.window.left >= 0 && j < position - c_.window.left) ||
                        (c_.window.right >= 0 && j > position + c_.window.right) ||
                        (call.visible && !call.visible(h, i, j));
    if (hidden) return -std::numeric_limits<double>::infinity();
    if (call.bias) s += call.bias(h, i, j);
    if (c_.alibi) s += slopes_[width(h)] * static_cast<double>(j - position);
    return s;
  }

  static double kept_of(const PlainCall& call, std::int64_t h, std::size_t i, std::size_t j) {
    return call.kept ? call.kept(h, static_cast<std::int64_t>(i), static_cast<std::int64_t>(j)) : 1;
  }

  void attend(const PlainCall& call, std::int64_t h, const Matrix& q, const Matrix& k,
              const Matrix& v, Matrix& joined, PlainResult& result) const {
    const std::int64_t g = h * c_.n_kv_heads / c_.n_heads;
    const auto& sinks = vector_of(AttentionWeight::sinks);
    Matrix patterns, zs;
    std::vector<double> lses;
    for (std::size_t i = 0; i < q.size(); ++i) {
      std::vector<double> row;
      for (std::size_t j = 0; j < k.size(); ++j)
        row.push_back(score(call, h, static_cast<std::int64_t>(i),
                            static_cast<std::int64_t>(j) - c_.added_keys(),
                            std::span(q[i]).subspan(width(h * c_.head_dim), width(c_.head_dim)),
                            std::span(k[j]).subspan(width(g * c_.head_dim), width(c_.head_dim))));
      double sum = sinks.empty() ? 0 : std::exp(sinks[width(h)]);
      bool dead = true;
      for (double& s : row) {
        dead = dead && std::isinf(s);
        s = std::exp(s);
        sum += s;
      }
      std::vector<double> z(width(c_.head_dim_v));
      for (std::size_t j = 0; j < k.size(); ++j) {
        row[j] = dead ? 0 : row[j] / sum;
        for (std::size_t d = 0; d < z.size(); ++d)
          z[d] += row[j] * kept_of(call, h, i, j) * v[j][width(g * c_.head_dim_v) + d];
      }
      for (std::size_t d = 0; d < z.size(); ++d) {
        if (!call.gate.empty()) z[d] *= call.gate[width(h)];
        joined[i][width(h * c_.head_dim_v) + d] = z[d];
      }
      zs.push_back(z);
      lses.push_back(dead ? -std::numeric_limits<double>::infinity() : std::log(sum));
      patterns.push_back(row);
    }
    result.z.push_back(zs);
    result.pattern.push_back(patterns);
    result.lse.push_back(lses);
  }

  const MultiHeadAttentionConfig& c_;
  std::array<std::vector<double>, kAttentionWeights> weights_;
  std::vector<double> slopes_;
};

}  // namespace headlight::testing
