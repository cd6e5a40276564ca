#include <cmath>

#include "core/error.h"
#include "kernels/rope/rope.h"

namespace headlight {

std::vector<double> RopeTable::frequencies(std::int64_t rotary_dim, double theta) {
  check(rotary_dim > 0 && rotary_dim % 2 == 0, "rope", "rotary_dim {} must be even and positive",
        rotary_dim);
  check(std::isfinite(theta) && theta > 0, "rope", "theta {} must be positive and finite", theta);
  std::vector<double> out(static_cast<std::size_t>(rotary_dim / 2));
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = std::pow(theta, -2.0 * static_cast<double>(i) / static_cast<double>(rotary_dim));
  return out;
}

RopeTable::RopeTable(std::span<const double> inv_freq, std::int64_t max_len)
    : half_(static_cast<std::int64_t>(inv_freq.size())), max_len_(max_len) {
  check(!inv_freq.empty(), "rope", "a table needs at least one frequency");
  check(max_len > 0, "rope", "max_len {} must be positive", max_len);
  const auto numel = static_cast<std::size_t>(Shape{max_len, half_}.numel());
  cos_.resize(numel);
  sin_.resize(numel);
  for (std::size_t i = 0; i < numel; ++i) {
    const double angle = static_cast<double>(i / inv_freq.size()) * inv_freq[i % inv_freq.size()];
    cos_[i] = static_cast<float>(std::cos(angle));
    sin_[i] = static_cast<float>(std::sin(angle));
  }
}

RopeTable RopeTable::from_cache(std::span<const float> cos, std::span<const float> sin,
                                std::int64_t half) {
  check(half > 0 && cos.size() == sin.size() && cos.size() % static_cast<std::size_t>(half) == 0,
        "rope", "caches of {} cosines and {} sines are not rows of {}", cos.size(), sin.size(),
        half);
  RopeTable table;
  table.half_ = half;
  table.max_len_ = static_cast<std::int64_t>(cos.size()) / half;
  table.cos_.assign(cos.begin(), cos.end());
  table.sin_.assign(sin.begin(), sin.end());
  return table;
}

}  // namespace headlight
