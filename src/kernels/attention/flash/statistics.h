// What the threads of one flash call share while they gather statistics.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "kernels/attention/flash/tile.h"
#include "kernels/attention/statistics.h"

namespace headlight {

/// Column sums of every batch entry and chosen head. They are kept in fixed point, whose sums do
/// not depend on the order in which threads add.
class ColumnTotals {
 public:
  explicit ColumnTotals(MutableTensorView out)
      : out_(out),
        totals_(static_cast<std::size_t>(out.numel())),
        locks_(std::make_unique<std::mutex[]>(static_cast<std::size_t>(slots()))) {}

  /// Adds the mass of keys [begin, begin + mass.size()).
  void add(std::int64_t slot, std::int64_t begin, std::span<const float> mass) {
    std::int64_t* at = totals_.data() + slot * out_.dim(2) + begin;
    const std::lock_guard lock(locks_[static_cast<std::size_t>(slot)]);
    if (std::ranges::all_of(mass, [](float m) { return std::isfinite(m); })) {
      for (std::size_t j = 0; j < mass.size(); ++j) at[j] += fixed(mass[j]);
    } else {
      for (std::size_t j = 0; j < mass.size(); ++j)
        at[j] = std::isfinite(mass[j]) ? at[j] + fixed(mass[j]) : kNaN;
    }
  }

  void write() const {
    const std::int64_t heads = out_.dim(1), columns = out_.dim(2);
    for (std::int64_t slot = 0; slot < slots(); ++slot) {
      float* to = out_.as<float>() + slot / heads * out_.stride(0) + slot % heads * out_.stride(1);
      std::transform(totals_.data() + slot * columns, totals_.data() + (slot + 1) * columns, to,
                     [](std::int64_t total) {
                       return total < 0 ? std::numeric_limits<float>::quiet_NaN()
                                        : static_cast<float>(static_cast<double>(total) / kOne);
                     });
    }
  }

 private:
  static constexpr double kOne = std::int64_t{1} << 40;
  /// So far below 0 that later sums, which are all positive, do not come back from it.
  static constexpr std::int64_t kNaN = std::numeric_limits<std::int64_t>::min();

  static std::int64_t fixed(float mass) {
    return static_cast<std::int64_t>(static_cast<double>(mass) * kOne + 0.5);
  }
  std::int64_t slots() const { return out_.dim(0) * out_.dim(1); }

  MutableTensorView out_;
  std::vector<std::int64_t> totals_;
  std::unique_ptr<std::mutex[]> locks_;
};

/// The statistics of one call.
class FlashStatistics {
 public:
  FlashStatistics(const AttentionProblem& problem, const AttentionStatistics& request)
      : request_(request) {
    for (std::int64_t h = 0; h < problem.n_heads; ++h) slots_.push_back(request.index_of(h));
    count_ =
        request.heads.empty() ? problem.n_heads : static_cast<std::int64_t>(request.heads.size());
    if (request.column_mass) columns_ = std::make_unique<ColumnTotals>(request.column_mass);
  }

  const AttentionStatistics& request() const { return request_; }
  ColumnTotals* columns() const { return columns_.get(); }

  /// Where the results of query head `head` stand in each batch entry.
  std::int64_t index(std::int64_t head) const { return slots_[static_cast<std::size_t>(head)]; }
  std::int64_t slot(std::int64_t batch, std::int64_t head) const {
    return batch * count_ + index(head);
  }

  /// True when something of the tile's pattern is asked for.
  bool wants(const FlashTile& tile) const {
    if (index(tile.head) < 0) return false;
    if (request_.entropy || request_.distance || request_.offset_mass || request_.column_mass ||
        request_.top_mass)
      return true;
    return request_.pattern && (request_.pattern_queries.empty() || !queries_in(tile).empty());
  }

  /// The chosen queries that are the tile's.
  std::span<const std::int64_t> queries_in(const FlashTile& tile) const {
    const auto all = request_.pattern_queries;
    const auto last = tile.q_begin + static_cast<std::int64_t>(tile.rows);
    const auto from = std::ranges::lower_bound(all, tile.q_begin);
    return {from, std::ranges::lower_bound(all, last)};
  }

  void finish() const {
    if (columns_) columns_->write();
  }

 private:
  const AttentionStatistics& request_;
  std::vector<std::int64_t> slots_;
  std::int64_t count_ = 0;
  std::unique_ptr<ColumnTotals> columns_;
};

}  // namespace headlight
