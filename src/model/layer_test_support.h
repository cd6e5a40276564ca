// Random inputs for layers, and comparison with the plain one.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "model/plain_layer_test_support.h"

namespace headlight::testing {

inline Tensor random_tensor(const Shape& shape, unsigned seed) {
  Tensor t(shape);
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  for (float& x : t.span<float>()) x = normal(generator);
  return t;
}

/// A layer all of whose weights are random, biases, norms and sinks too.
inline MultiHeadAttention random_layer(const MultiHeadAttentionConfig& config, unsigned seed = 1) {
  MultiHeadAttention layer(config, seed);
  for (std::size_t i = 0; i < kAttentionWeights; ++i) {
    const auto which = static_cast<AttentionWeight>(i);
    const auto shape = weight_shape(layer.config(), which);
    if (shape && shape->rank() == 1)
      layer.set_weight(which, random_tensor(*shape, seed + static_cast<unsigned>(i)));
  }
  return layer;
}

/// Rows [begin, begin + count) of batch entry b of x [B, T, d].
inline Matrix rows_of(const Tensor& x, std::int64_t b, std::int64_t begin, std::int64_t count) {
  Matrix rows;
  for (std::int64_t t = begin; t < begin + count; ++t) {
    const float* row = x.span<float>().data() + (b * x.dim(1) + t) * x.dim(2);
    rows.emplace_back(row, row + x.dim(2));
  }
  return rows;
}

inline Matrix rows_of(const Tensor& x, std::int64_t b) {
  return rows_of(x, b, 0, x.dim(1));
}

/// fp32 sums of a few hundred products of numbers near 1: 2e-5 of the largest is ample, and a
/// wrong pair, position or row is off by far more (the mutation test shows it).
constexpr double kTolerance = 2e-5;

inline double largest_difference(const Matrix& plain, const Matrix& ours) {
  double worst = plain.size() == ours.size() ? 0 : HUGE_VAL;
  double largest = 1;
  for (std::size_t t = 0; t < std::min(plain.size(), ours.size()); ++t)
    for (std::size_t i = 0; i < plain[t].size(); ++i) {
      if (plain[t][i] == ours[t][i]) continue;
      largest = std::max(largest, std::fabs(plain[t][i]));
      const double error = std::fabs(plain[t][i] - ours[t][i]);
      worst = std::max(worst, std::isnan(error) ? HUGE_VAL : error);
    }
  return worst / largest;
}

inline void expect_close(const Matrix& plain, const Matrix& ours) {
  EXPECT_LT(largest_difference(plain, ours), kTolerance);
}

}  // namespace headlight::testing
