#include "train/head_overlap.h"

#include <numeric>
#include <vector>

#include "core/threads.h"
#include "kernels/attention/pattern.h"

namespace headlight {
namespace {

/// One sequence's patterns of all heads, and their sum.
class Patterns {
 public:
  Patterns(const AttentionTensors& tensors, const AttentionOptions& options, std::int64_t sequence)
      : n_heads_(tensors.q.dim(2)),
        length_(tensors.q.dim(1)),
        each_({n_heads_, length_, length_}),
        sum_(static_cast<std::size_t>(length_ * length_)) {
    const AttentionProblem problem = attention_problem(tensors, options);
    for (std::int64_t h = 0; h < n_heads_; ++h) {
      float* pattern = each_.span<float>().data() + h * length_ * length_;
      attention_pattern(problem, tensors,
                        {.batch = sequence, .head = h, .row_begin = 0, .row_end = length_},
                        {pattern, {length_, length_}});
      for (std::size_t i = 0; i < sum_.size(); ++i) sum_[i] += pattern[i];
    }
  }

  std::int64_t n_heads() const { return n_heads_; }
  std::int64_t length() const { return length_; }
  const float* row(std::int64_t head, std::int64_t query) const {
    return each_.span<float>().data() + (head * length_ + query) * length_;
  }
  /// What all the other heads give to a word; 0 at the free positions.
  float others(std::int64_t head, std::int64_t query, std::int64_t word) const {
    if (word == 0 || word == length_ - 1) return 0;
    return sum_[static_cast<std::size_t>(query * length_ + word)] - row(head, query)[word];
  }

 private:
  std::int64_t n_heads_, length_;
  Tensor each_;
  std::vector<float> sum_;
};

/// A row of one head: [head_dim].
float* vector_at(MutableTensorView x, std::int64_t sequence, std::int64_t token,
                 std::int64_t head) {
  return x.as<float>() + sequence * x.stride(0) + token * x.stride(1) + head * x.stride(2);
}
const float* vector_at(TensorView x, std::int64_t sequence, std::int64_t token, std::int64_t head) {
  return x.as<float>() + sequence * x.stride(0) + token * x.stride(1) + head * x.stride(2);
}

void add_scaled(float scale, const float* from, std::int64_t n, float* to) {
  for (std::int64_t i = 0; i < n; ++i) to[i] += scale * from[i];
}

/// d_scores of one row: pattern * (d_pattern - <pattern, d_pattern>), as of any softmax.
void row_backward(const Patterns& patterns, std::int64_t head, std::int64_t query, double weight,
                  std::vector<float>& d_scores) {
  const float* row = patterns.row(head, query);
  const auto factor = static_cast<float>(2 * weight / static_cast<double>(patterns.n_heads()));
  for (std::int64_t j = 0; j < patterns.length(); ++j)
    d_scores[static_cast<std::size_t>(j)] = factor * patterns.others(head, query, j);
  const float mean = std::inner_product(d_scores.begin(), d_scores.end(), row, 0.0f);
  for (std::int64_t j = 0; j < patterns.length(); ++j) {
    float& d = d_scores[static_cast<std::size_t>(j)];
    d = row[j] * (d - mean);
  }
}

}  // namespace

double head_overlap(const AttentionTensors& tensors, const AttentionOptions& options) {
  double sum = 0;
  for (std::int64_t b = 0; b < tensors.q.dim(0); ++b) {
    const Patterns patterns(tensors, options, b);
    for (std::int64_t h = 0; h < patterns.n_heads(); ++h)
      for (std::int64_t i = 0; i < patterns.length(); ++i)
        for (std::int64_t j = 0; j < patterns.length(); ++j)
          sum += static_cast<double>(patterns.row(h, i)[j]) * patterns.others(h, i, j);
  }
  return sum / static_cast<double>(tensors.q.dim(2));
}

void head_overlap_backward(const AttentionTensors& tensors, const AttentionOptions& options,
                           double weight, MutableTensorView d_q, MutableTensorView d_k) {
  const std::int64_t dim = tensors.q.dim(3), group = tensors.q.dim(2) / tensors.k.dim(2);
  const auto scale = static_cast<float>(attention_problem(tensors, options).scale);
  parallel_for(tensors.q.dim(0), [&](std::int64_t b) {
    const Patterns patterns(tensors, options, b);
    std::vector<float> d_scores(static_cast<std::size_t>(patterns.length()));
    for (std::int64_t h = 0; h < patterns.n_heads(); ++h)
      for (std::int64_t i = 0; i < patterns.length(); ++i) {
        row_backward(patterns, h, i, weight, d_scores);
        for (std::int64_t j = 0; j < patterns.length(); ++j) {
          const float d = scale * d_scores[static_cast<std::size_t>(j)];
          add_scaled(d, vector_at(tensors.k, b, j, h / group), dim, vector_at(d_q, b, i, h));
          add_scaled(d, vector_at(tensors.q, b, i, h), dim, vector_at(d_k, b, j, h / group));
        }
      }
  });
}

}  // namespace headlight
