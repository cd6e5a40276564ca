// What can be learnt of the pattern without storing it: reductions, and the rows that are chosen.
#pragma once

#include <cstdint>
#include <span>

#include "core/tensor.h"
#include "kernels/attention.h"

namespace headlight {

/// Asks an attention call for reductions of the patterns that it computes anyway, O(T) memory.
/// p[i, j] is the pattern of one head, sinks in its denominator, before the head gate; position(i)
/// is where query i stands among the keys (AttentionProblem::position). A row without keys gives 0
/// throughout. Outputs that are given are contiguous (all but `pattern`) and fp32 (all but
/// `top_keys`); N is the number of chosen heads. Names of the reductions: Clark et al. 2019,
/// section 4; Voita et al. 2019, section 4.
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
  /// p itself; innermost stride 1.
  std::span<const std::int64_t> pattern_queries = {};
  MutableTensorView pattern = {};

  /// Where the results of query head `head` stand, or -1.
  std::int64_t index_of(std::int64_t head) const;
};

/// Throws Error("attention", ...) naming the shapes when an output does not fit the call.
void check_statistics(const AttentionStatistics& statistics, const AttentionTensors& tensors);

/// The reference: every row in double, one after the other.
void attention_statistics_ref(const AttentionProblem& problem, const AttentionTensors& tensors);

}  // namespace headlight
