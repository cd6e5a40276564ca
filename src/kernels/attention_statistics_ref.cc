#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "core/threads.h"
#include "kernels/attention_rows.h"
#include "kernels/attention_statistics.h"

namespace headlight {
namespace {

using Row = std::span<const double>;

double entropy(Row p) {
  double sum = 0;
  for (const double x : p)
    if (x != 0) sum -= x * std::log(x);
  return sum;
}

double distance(Row p, std::int64_t position) {
  double sum = 0;
  for (std::size_t j = 0; j < p.size(); ++j)
    sum += p[j] * std::fabs(static_cast<double>(position - static_cast<std::int64_t>(j)));
  return sum;
}

/// Keys by falling p, of equals the first first.
std::vector<std::int32_t> keys_by_mass(Row p) {
  std::vector<std::int32_t> keys(p.size());
  std::iota(keys.begin(), keys.end(), 0);
  std::ranges::stable_sort(keys, [&](std::int32_t a, std::int32_t b) {
    return p[static_cast<std::size_t>(a)] > p[static_cast<std::size_t>(b)];
  });
  return keys;
}

/// One head's results, row after row.
class HeadStatistics {
 public:
  HeadStatistics(const AttentionProblem& problem, const AttentionStatistics& request,
                 std::int64_t batch, std::int64_t index, std::int64_t count)
      : problem_(problem),
        request_(request),
        batch_(batch),
        index_(index),
        slot_(batch * count + index),
        columns_(static_cast<std::size_t>(problem.kv_len)) {}

  void add(std::int64_t query, Row p) {
    const std::int64_t row = slot_ * problem_.q_len + query, position = problem_.position(query);
    if (request_.entropy) request_.entropy.as<float>()[row] = static_cast<float>(entropy(p));
    if (request_.distance)
      request_.distance.as<float>()[row] = static_cast<float>(distance(p, position));
    if (request_.offset_mass) write_offsets(row, position, p);
    if (request_.top_mass) write_top(row, p);
    if (request_.pattern) write_pattern(query, p);
    for (std::size_t j = 0; j < p.size(); ++j) columns_[j] += p[j];
  }

  void finish() const {
    if (!request_.column_mass) return;
    float* out = request_.column_mass.as<float>() + slot_ * problem_.kv_len;
    std::ranges::transform(columns_, out, [](double x) { return static_cast<float>(x); });
  }

 private:
  void write_offsets(std::int64_t row, std::int64_t position, Row p) const {
    float* out =
        request_.offset_mass.as<float>() + row * static_cast<std::int64_t>(request_.offsets.size());
    for (const std::int64_t offset : request_.offsets) {
      const bool below = offset < -position, above = offset >= problem_.kv_len - position;
      *out++ =
          below || above ? 0 : static_cast<float>(p[static_cast<std::size_t>(position + offset)]);
    }
  }

  void write_top(std::int64_t row, Row p) const {
    const std::int64_t k = request_.top_mass.dim(3);
    float* mass = request_.top_mass.as<float>() + row * k;
    auto* keys = request_.top_keys.as<std::int32_t>() + row * k;
    const std::vector<std::int32_t> order = keys_by_mass(p);
    for (std::int64_t i = 0; i < k; ++i) {
      const bool any = i < problem_.kv_len;
      const std::int32_t key = any ? order[static_cast<std::size_t>(i)] : -1;
      mass[i] = any ? static_cast<float>(p[static_cast<std::size_t>(key)]) : 0;
      keys[i] = mass[i] > 0 ? key : -1;
    }
  }

  void write_pattern(std::int64_t query, Row p) const {
    std::int64_t at = query;
    if (!request_.pattern_queries.empty()) {
      const auto found = std::ranges::find(request_.pattern_queries, query);
      if (found == request_.pattern_queries.end()) return;
      at = found - request_.pattern_queries.begin();
    }
    const MutableTensorView& out = request_.pattern;
    std::ranges::transform(
        p, out.as<float>() + batch_ * out.stride(0) + index_ * out.stride(1) + at * out.stride(2),
        [](double x) { return static_cast<float>(x); });
  }

  const AttentionProblem& problem_;
  const AttentionStatistics& request_;
  std::int64_t batch_, index_;
  std::int64_t slot_;  ///< among all batch entries and chosen heads
  std::vector<double> columns_;
};

}  // namespace

void attention_statistics_ref(const AttentionProblem& problem, const AttentionTensors& tensors) {
  const AttentionStatistics& request = *tensors.statistics;
  const std::int64_t count =
      request.heads.empty() ? problem.n_heads : static_cast<std::int64_t>(request.heads.size());
  parallel_for(problem.batch * count, [&](std::int64_t index) {
    const std::int64_t batch = index / count, n = index % count;
    const std::int64_t head =
        request.heads.empty() ? n : request.heads[static_cast<std::size_t>(n)];
    HeadStatistics results(problem, request, batch, n, count);
    std::vector<double> p(static_cast<std::size_t>(problem.kv_len));
    for (std::int64_t i = 0; i < problem.q_len; ++i) {
      score_row(problem, tensors, {batch, head, i}, p);
      softmax_with_sink(p, sink_of(tensors, head));
      results.add(i, p);
    }
    results.finish();
  });
}

}  // namespace headlight
