// The one comparison of a fast kernel with its reference: a tolerance derived, not chosen.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

namespace headlight::testing {

/// Largest |a - b|. Equal infinities, and two NaNs, differ by 0; NaN and a number by infinity.
inline double largest_error(std::span<const float> a, std::span<const float> b) {
  double worst = a.size() == b.size() ? 0 : std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    if (a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]))) continue;
    const double error = std::fabs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    worst = std::max(worst, std::isnan(error) ? std::numeric_limits<double>::infinity() : error);
  }
  return worst;
}

/// The spacing of fp32 numbers at the scale of these values plus 0.3: what one addition may lose.
/// (FlashAttention's tests add 0.3 and take it away again; the spacing is that loss at its
/// largest, whichever values came up.)
inline double rounding_floor(std::span<const float> reference) {
  double worst = 0;
  for (const float r : reference) {
    const float size = std::fabs(r) + 0.3f;
    if (!std::isfinite(size)) continue;
    const float next = std::nextafter(size, std::numeric_limits<float>::infinity());
    if (std::isfinite(next)) worst = std::max(worst, static_cast<double>(next - size));
  }
  return worst;
}

/// Holds `fast` to `reference` (computed in double): its largest error is at most twice that of
/// `naive`, the textbook method in the same precision, plus twice the rounding floor.
inline ::testing::AssertionResult agrees(std::span<const float> fast, std::span<const float> naive,
                                         std::span<const float> reference) {
  const double error = largest_error(fast, reference);
  const double naive_error = largest_error(naive, reference);
  const double allowed = 2 * naive_error + 2 * rounding_floor(reference);
  // A naive method that is infinitely wrong allows nothing.
  if (std::isfinite(naive_error) && error <= allowed) return ::testing::AssertionSuccess();
  std::size_t at = 0;
  while (at < std::min(fast.size(), reference.size()) &&
         largest_error(fast.subspan(at, 1), reference.subspan(at, 1)) < error)
    ++at;
  auto result = ::testing::AssertionFailure();
  result << "largest error " << error << " of " << allowed << " allowed (naive " << naive_error
         << ") over " << fast.size() << " values";
  if (at < std::min(fast.size(), reference.size()))
    result << "; at [" << at << "]: " << fast[at] << ", reference " << reference[at];
  return result;
}

}  // namespace headlight::testing
