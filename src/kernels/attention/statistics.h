// What can be learnt of the pattern without storing it: reductions, and the rows that are chosen.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/tensor.h"
#include "kernels/attention/attention.h"

namespace headlight {

/// Asks an attention call for reductions of the patterns that it computes anyway, O(T) memory.
/// p[i, j] is the pattern of one head, sinks in its denominator, before the head gate; position(i)
/// is where query i stands among the keys (AttentionProblem::position). A row without keys gives 0
/// throughout. Outputs that are given are fp32 (all but `top_keys`) with an innermost stride of 1;
/// N is the number of chosen heads. With pages, an entry's columns past its own keys are 0. Names
/// of the reductions: Clark et al. 2019, section 4; Voita et al. 2019, section 4.
struct AttentionStatistics {
  /// Query heads, each at most once; empty: all of them. Output n belongs to heads[n].
  std::span<const std::int64_t> heads = {};
  MutableTensorView entropy = {};   ///< [B, N, Tq]: -sum_j p ln p, in nats
  MutableTensorView distance = {};  ///< [B, N, Tq]: sum_j p |position(i) - j|, in tokens
  /// Keys relative to the query: -1 is the token before. With offset_mass, [B, N, Tq, offsets]: p
  /// of each, 0 where there is no such key.
  std::span<const std::int64_t> offsets = {};
  MutableTensorView offset_mass = {};
  MutableTensorView column_mass = {};  ///< [B, N, Tkv]: sum_i p[i, j], to within 1e-8
  /// [B, N, Tq, k]: the k largest p of a row, falling, and their keys as i32. Of equals, the first
  /// key comes first. Only p > 0 (in fp32) counts: past the last stands 0, and -1 for its key.
  /// Neither is given without the other.
  MutableTensorView top_mass = {};
  MutableTensorView top_keys = {};
  /// Queries whose rows are wanted, rising; empty: all of them. With pattern, [B, N, queries, Tkv]:
  /// p itself.
  std::span<const std::int64_t> pattern_queries = {};
  MutableTensorView pattern = {};

  /// Where the results of query head `head` stand, or -1.
  std::int64_t index_of(std::int64_t head) const;
};

/// What the outputs of a call must fit.
struct StatisticsExtents {
  std::int64_t batch = 1, n_heads = 1, q_len = 0;
  std::int64_t keys = 0;     ///< that one query may see: columns of pattern
  std::int64_t columns = 0;  ///< of column_mass
};

/// Throws Error("attention", ...) naming the shapes when an output does not fit.
void check_statistics(const AttentionStatistics& statistics, const StatisticsExtents& extents);

/// A part of a call: queries [q_begin, q_begin + q_len) of a batch entry, which see `kv_len` keys.
/// These stand from column `column` on in column_mass, and from 0 on in pattern.
struct StatisticsPart {
  std::int64_t batch = 0, q_begin = 0, q_len = 0;
  std::int64_t column = 0, kv_len = 0;
};

/// A request's outputs that belong to one part of a call, as a call of their own may fill them.
class PartStatistics {
 public:
  /// Clears the pattern's columns past the part's keys. `whole` outlives this.
  PartStatistics(const AttentionStatistics& whole, const StatisticsPart& part);
  PartStatistics(const PartStatistics&) = delete;
  PartStatistics& operator=(const PartStatistics&) = delete;

  const AttentionStatistics& request() const { return part_; }

 private:
  void take_pattern(const AttentionStatistics& whole, const StatisticsPart& part);

  AttentionStatistics part_;
  std::vector<std::int64_t> queries_;
};

/// Where a row's results begin in an output [B, N, Tq] or [B, N, Tq, ...].
inline std::int64_t row_offset(const MutableTensorView& out, std::int64_t batch, std::int64_t index,
                               std::int64_t query) {
  return batch * out.stride(0) + index * out.stride(1) + query * out.stride(2);
}

/// The reference: every row in double, one after the other.
void attention_statistics_ref(const AttentionProblem& problem, const AttentionTensors& tensors);

}  // namespace headlight
