#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "core/threads.h"
#include "kernels/attention/rows.h"
#include "kernels/attention/statistics.h"

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
  HeadStatistics(const AttentionProblem& problem, const AttentionProblem& entry,
                 const AttentionStatistics& request, std::int64_t batch, std::int64_t index)
      : problem_(entry),
        request_(request),
        batch_(batch),
        index_(index),
        columns_(static_cast<std::size_t>(problem.kv_len)) {}

  void add(std::int64_t query, Row p) {
    const std::int64_t position = problem_.position(query);
    if (request_.entropy) *row<float>(request_.entropy, query) = static_cast<float>(entropy(p));
    if (request_.distance)
      *row<float>(request_.distance, query) = static_cast<float>(distance(p, position));
    if (request_.offset_mass) write_offsets(query, position, p);
    if (request_.top_mass) write_top(query, p);
    if (request_.pattern) write_pattern(query, p);
    for (std::size_t j = 0; j < p.size(); ++j) columns_[j] += p[j];
  }

  void finish() const {
    if (!request_.column_mass) return;
    const MutableTensorView& out = request_.column_mass;
    std::ranges::transform(columns_,
                           out.as<float>() + batch_ * out.stride(0) + index_ * out.stride(1),
                           [](double x) { return static_cast<float>(x); });
  }

 private:
  template <class T>
  T* row(const MutableTensorView& out, std::int64_t at) const {
    return out.as<T>() + row_offset(out, batch_, index_, at);
  }

  void write_offsets(std::int64_t query, std::int64_t position, Row p) const {
    float* out = row<float>(request_.offset_mass, query);
    for (const std::int64_t offset : request_.offsets) {
      const bool below = offset < -position, above = offset >= problem_.kv_len - position;
      *out++ =
          below || above ? 0 : static_cast<float>(p[static_cast<std::size_t>(position + offset)]);
    }
  }

  void write_top(std::int64_t query, Row p) const {
    const std::int64_t k = request_.top_mass.dim(3);
    auto* mass = row<float>(request_.top_mass, query);
    auto* keys = row<std::int32_t>(request_.top_keys, query);
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
    std::ranges::transform(p, row<float>(request_.pattern, at),
                           [](double x) { return static_cast<float>(x); });
  }

  const AttentionProblem& problem_;
  const AttentionStatistics& request_;
  std::int64_t batch_, index_;
  std::vector<double> columns_;
};

}  // namespace

void attention_statistics_ref(const AttentionProblem& problem, const AttentionTensors& tensors) {
  const AttentionStatistics& request = *tensors.statistics;
  const std::int64_t count = request.heads.empty() ? problem.n_heads : std::ssize(request.heads);
  parallel_for(problem.batch * count, [&](std::int64_t index) {
    const std::int64_t batch = index / count, n = index % count;
    const std::int64_t head =
        request.heads.empty() ? n : request.heads[static_cast<std::size_t>(n)];
    // Keys past an entry's own are masked, so that its rows are 0 there.
    const AttentionProblem entry = entry_problem(problem, tensors, batch);
    HeadStatistics results(problem, entry, request, batch, n);
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
