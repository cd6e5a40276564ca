// Means of a few measurements, and how far the truth may be from them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace headlight {

/// A mean and the half width of its 95 % interval after Student ("The probable error of a mean",
/// 1908): for few measurements that scatter about as a normal distribution does.
struct Estimate {
  double mean = 0, half_width = 0;
  std::int64_t n = 0;

  double low() const { return mean - half_width; }
  double high() const { return mean + half_width; }
};

/// Throws for fewer than two values.
Estimate estimate(std::span<const double> values);
/// Of a[i] - b[i]: measurements that share a seed, and with it their data, differ by less than
/// their scatter. Throws unless both have the same size, at least 2.
Estimate paired_difference(std::span<const double> a, std::span<const double> b);

/// The t that |T| stays below with probability 0.95, for `degrees` >= 1 degrees of freedom, from
/// the finite sums for whole degrees (Abramowitz & Stegun 1964, 26.7.3 and 26.7.4).
double student_t_95(std::int64_t degrees);

}  // namespace headlight
