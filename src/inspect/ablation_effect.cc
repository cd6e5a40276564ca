#include "inspect/ablation_effect.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/error.h"

namespace headlight {
namespace {

double dot(std::span<const float> a, std::span<const float> b) {
  return std::inner_product(
      a.begin(), a.end(), b.begin(), 0.0, std::plus<>(),
      [](float x, float y) { return static_cast<double>(x) * static_cast<double>(y); });
}

/// Logarithms of the softmax, in double.
std::vector<double> log_softmax(std::span<const float> logits) {
  const double largest = *std::ranges::max_element(logits);
  double sum = 0;
  for (double x : logits) sum += std::exp(x - largest);
  std::vector<double> out;
  for (double x : logits) out.push_back(x - largest - std::log(sum));
  return out;
}

double kl_divergence(const std::vector<double>& log_p, const std::vector<double>& log_q) {
  double sum = 0;
  for (std::size_t i = 0; i < log_p.size(); ++i)
    if (const double p = std::exp(log_p[i]); p > 0) sum += p * (log_p[i] - log_q[i]);
  return std::max(sum, 0.0);  // rounding can take equal rows below
}

/// The first `most` of `all` by `score`, largest first, the earlier of equals first; what does not
/// score above zero is left out.
template <class Score>
std::vector<Prediction> leading(const std::vector<Prediction>& all, std::size_t most,
                                const Score& score) {
  std::vector<Prediction> out(std::min(most, all.size()));
  std::partial_sort_copy(all.begin(), all.end(), out.begin(), out.end(),
                         [&](const Prediction& a, const Prediction& b) {
                           return score(a) != score(b) ? score(a) > score(b) : a.id < b.id;
                         });
  std::erase_if(out, [&](const Prediction& each) { return !(score(each) > 0); });
  return out;
}

}  // namespace

VectorChange vector_change(std::span<const float> before, std::span<const float> after) {
  check(before.size() == after.size(), "ablation",
        "vectors of {} and {} numbers are not comparable", before.size(), after.size());
  const double b = dot(before, before), a = dot(after, after);
  VectorChange out{.norm_before = std::sqrt(b), .norm_after = std::sqrt(a)};
  if (a > 0 && b > 0)
    out.cosine = std::clamp(dot(before, after) / std::sqrt(a * b), -1.0, 1.0);
  else
    out.cosine = a == b ? 1 : 0;
  double square = 0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    const double d = static_cast<double>(after[i]) - static_cast<double>(before[i]);
    square += d * d;
  }
  out.difference = std::sqrt(square);
  return out;
}

std::vector<VectorChange> row_changes(const Tensor& before, const Tensor& after) {
  check(before.shape() == after.shape() && before.shape().rank() == 2, "ablation",
        "rows of {} and {} are not comparable", before.shape(), after.shape());
  const auto width = static_cast<std::size_t>(before.dim(1));
  std::vector<VectorChange> out;
  for (std::size_t at = 0; at < before.span<float>().size(); at += width)
    out.push_back(vector_change(before.span<float>().subspan(at, width),
                                after.span<float>().subspan(at, width)));
  return out;
}

PredictionChange prediction_change(std::span<const float> before, std::span<const float> after,
                                   std::span<const float> direct, std::size_t most) {
  check(!before.empty() && before.size() == after.size() && before.size() == direct.size(),
        "ablation", "logits of {}, {} and {} tokens are not comparable", before.size(),
        after.size(), direct.size());
  const auto log_before = log_softmax(before), log_after = log_softmax(after),
             log_direct = log_softmax(direct);
  std::vector<Prediction> all;
  for (std::size_t i = 0; i < before.size(); ++i)
    all.push_back({static_cast<std::int64_t>(i), std::exp(log_before[i]), std::exp(log_after[i]),
                   std::exp(log_direct[i])});
  return {kl_divergence(log_before, log_after), kl_divergence(log_before, log_direct),
          leading(all, most, [](const Prediction& p) { return p.before; }),
          leading(all, most, [](const Prediction& p) { return p.before - p.after; }),
          leading(all, most, [](const Prediction& p) { return p.after - p.before; })};
}

}  // namespace headlight
