#include "train/experiments/estimate.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/error.h"

namespace headlight {
namespace {

/// P(|T| < t) for whole degrees of freedom.
double probability_within(double t, std::int64_t degrees) {
  const double angle = std::atan(t / std::sqrt(static_cast<double>(degrees)));
  const double cosine = std::cos(angle), sine = std::sin(angle);
  const bool odd = degrees % 2 == 1;
  double term = odd ? cosine : 1, sum = 0;
  // Even: powers 0, 2 ... degrees - 2. Odd: powers 1, 3 ... degrees - 2.
  for (std::int64_t power = odd ? 1 : 0; power <= degrees - 2; power += 2) {
    sum += term;
    const auto p = static_cast<double>(power);
    term *= (p + 1) / (p + 2) * cosine * cosine;
  }
  return odd ? 2 / std::numbers::pi * (angle + sine * sum) : sine * sum;
}

}  // namespace

double student_t_95(std::int64_t degrees) {
  check(degrees >= 1, "estimate", "{} degrees of freedom; at least 1 is needed", degrees);
  double low = 0, high = 100;
  for (int i = 0; i < 80; ++i) {
    const double middle = (low + high) / 2;
    (probability_within(middle, degrees) < 0.95 ? low : high) = middle;
  }
  return low;
}

Estimate estimate(std::span<const double> values) {
  check(values.size() >= 2, "estimate", "an interval from {} values; at least 2 are needed",
        values.size());
  const auto n = static_cast<double>(values.size());
  Estimate out{.n = std::ssize(values)};
  if (std::ranges::all_of(values, [&](double x) { return x == values[0]; })) {
    out.mean = values[0];
    return out;
  }
  for (const double x : values) out.mean += x / n;
  double squares = 0;
  for (const double x : values) squares += (x - out.mean) * (x - out.mean);
  out.half_width = student_t_95(out.n - 1) * std::sqrt(squares / (n - 1) / n);
  return out;
}

Estimate paired_difference(std::span<const double> a, std::span<const double> b) {
  check(a.size() == b.size(), "estimate", "{} values cannot be paired with {}", a.size(), b.size());
  std::vector<double> differences;
  for (std::size_t i = 0; i < a.size(); ++i) differences.push_back(a[i] - b[i]);
  return estimate(differences);
}

}  // namespace headlight
