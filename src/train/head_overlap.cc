#include "train/head_overlap.h"

#include <numeric>

#include "core/threads.h"
#include "kernels/attention/pattern.h"

namespace headlight {
namespace {

/// The patterns [H, T, T] of one sequence in one layer.
Tensor patterns_of(const AttentionTensors& tensors, const AttentionOptions& options,
                   std::int64_t sequence) {
  const std::int64_t n_heads = tensors.q.dim(2), length = tensors.q.dim(1);
  const AttentionProblem problem = attention_problem(tensors, options);
  Tensor out({n_heads, length, length});
  for (std::int64_t h = 0; h < n_heads; ++h)
    attention_pattern(problem, tensors,
                      {.batch = sequence, .head = h, .row_begin = 0, .row_end = length},
                      {out.span<float>().data() + h * length * length, {length, length}});
  return out;
}

bool is_free(std::int64_t word, std::int64_t length) {
  return word == 0 || word == length - 1;
}

/// A token's vector of one head: [head_dim].
template <class View>
auto* vector_at(const View& x, std::int64_t sequence, std::int64_t token, std::int64_t head) {
  return x.template as<float>() + sequence * x.stride(0) + token * x.stride(1) + head * x.stride(2);
}

void add_scaled(float scale, const float* __restrict from, std::int64_t n, float* __restrict to) {
  for (std::int64_t i = 0; i < n; ++i) to[i] += scale * from[i];
}

/// The sum of the squares of a pattern [T, T] where it is not free.
double squares_of(const float* pattern, std::int64_t length) {
  double sum = 0;
  for (std::int64_t i = 0; i < length; ++i, pattern += length)
    for (std::int64_t j = 1; j < length - 1; ++j) sum += double{pattern[j]} * pattern[j];
  return sum;
}

/// d_scores of one row of a pattern: pattern * (d_pattern - <pattern, d_pattern>), as of any
/// softmax; d_pattern is `factor` times what the other heads give to a word.
void row_backward(const float* pattern, const float* sums, float factor,
                  std::vector<float>& d_scores) {
  const auto length = static_cast<std::int64_t>(d_scores.size());
  for (std::int64_t j = 0; j < length; ++j)
    d_scores[static_cast<std::size_t>(j)] =
        is_free(j, length) ? 0 : factor * (sums[j] - pattern[j]);
  const float mean = std::inner_product(d_scores.begin(), d_scores.end(), pattern, 0.0f);
  for (std::int64_t j = 0; j < length; ++j) {
    float& d = d_scores[static_cast<std::size_t>(j)];
    d = pattern[j] * (d - mean);
  }
}

}  // namespace

HeadOverlap::HeadOverlap(std::int64_t sequences, std::int64_t length)
    : sequences_(sequences),
      length_(length),
      sums_(static_cast<std::size_t>(sequences * length * length)) {}

void HeadOverlap::add(const AttentionTensors& tensors, const AttentionOptions& options) {
  const std::int64_t heads = tensors.q.dim(2), square = length_ * length_;
  n_heads_ += heads;
  std::vector<double> squares(static_cast<std::size_t>(sequences_));
  parallel_for(sequences_, [&](std::int64_t b) {
    const Tensor patterns = patterns_of(tensors, options, b);
    float* sums = sums_.data() + b * square;
    const float* pattern = patterns.span<float>().data();
    for (std::int64_t h = 0; h < heads; ++h, pattern += square) {
      add_scaled(1, pattern, square, sums);
      squares[static_cast<std::size_t>(b)] += squares_of(pattern, length_);
    }
  });
  squares_ = std::accumulate(squares.begin(), squares.end(), squares_);
}

double HeadOverlap::value() const {
  double sum = -squares_;
  for (std::size_t i = 0; i < sums_.size(); ++i)
    if (!is_free(static_cast<std::int64_t>(i) % length_, length_))
      sum += double{sums_[i]} * sums_[i];
  return sum / static_cast<double>(n_heads_);
}

void HeadOverlap::backward(const AttentionTensors& tensors, const AttentionOptions& options,
                           double weight, MutableTensorView d_q, MutableTensorView d_k) const {
  const std::int64_t dim = tensors.q.dim(3), group = tensors.q.dim(2) / tensors.k.dim(2);
  const float scale = attention_problem(tensors, options).scale;
  const auto factor = static_cast<float>(2 * weight / static_cast<double>(n_heads_));
  parallel_for(sequences_, [&](std::int64_t b) {
    const Tensor patterns = patterns_of(tensors, options, b);
    std::vector<float> d_scores(static_cast<std::size_t>(length_));
    for (std::int64_t h = 0; h < tensors.q.dim(2); ++h) {
      const float *q = vector_at(tensors.q, b, 0, h), *k = vector_at(tensors.k, b, 0, h / group);
      float *to_q = vector_at(d_q, b, 0, h), *to_k = vector_at(d_k, b, 0, h / group);
      for (std::int64_t i = 0; i < length_; ++i) {
        row_backward(patterns.span<float>().data() + (h * length_ + i) * length_,
                     sums_.data() + (b * length_ + i) * length_, factor, d_scores);
        for (std::int64_t j = 0; j < length_; ++j) {
          const float d = scale * d_scores[static_cast<std::size_t>(j)];
          add_scaled(d, k + j * tensors.k.stride(1), dim, to_q + i * d_q.stride(1));
          add_scaled(d, q + i * tensors.q.stride(1), dim, to_k + j * d_k.stride(1));
        }
      }
    }
  });
}

}  // namespace headlight
