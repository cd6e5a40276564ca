// How the tiled backward pass is cut into units of work, and the sums that units leave behind.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "core/threads.h"
#include "kernels/attention/backward/backward.h"
#include "kernels/attention/flash/tile.h"

namespace headlight {

/// Sums over the pairs of one query head.
struct HeadSums {
  double gate = 0;   ///< P dP before the gate; only where the gate is 0
  double slope = 0;  ///< dS * (key - position of the query)
};

/// A unit is a run of keys of one or more key/value heads. dK and dV of a run belong to it alone;
/// dQ of every run but the first goes to memory of its own and is added in order, so that the
/// result does not depend on which thread did what. Where a bias repeats over batch entries or
/// heads, one unit goes through all of them in order: its gradient needs no copies.
struct BackwardPlan {
  std::int64_t batches, heads, group;  ///< key/value heads; query heads of each
  bool all_batches, all_heads;         ///< of a unit
  std::int64_t runs, kv_len;

  BackwardPlan(const AttentionProblem& p, const AttentionGradients& g)
      : batches(p.batch),
        heads(p.n_kv_heads),
        group(p.n_heads / p.n_kv_heads),
        all_batches(g.d_bias && g.d_bias.dim(0) == 1),
        all_heads(g.d_bias && g.d_bias.dim(1) == 1),
        kv_len(p.kv_len) {
    const bool whole_rows = g.d_bias && g.d_bias.dim(3) == 1;
    const std::int64_t blocks = std::max<std::int64_t>((kv_len + kBlockKeys - 1) / kBlockKeys, 1);
    const std::int64_t each = std::max<std::int64_t>(units_of_run(), 1);
    // Two units for each thread even out what a causal mask leaves uneven.
    const std::int64_t wanted = threads() == 1 ? 1 : (2 * threads() + each - 1) / each;
    runs = whole_rows ? 1 : std::min(wanted, blocks);
  }

  std::int64_t units_of_run() const {
    return (all_batches ? 1 : batches) * (all_heads ? 1 : heads);
  }
  std::int64_t units() const { return batches * heads == 0 ? 0 : runs * units_of_run(); }

  AttentionProblem::KeyRange keys_of_run(std::int64_t run) const {
    const std::int64_t blocks = (kv_len + kBlockKeys - 1) / kBlockKeys;
    return {std::min(kv_len, run * blocks / runs * kBlockKeys),
            std::min(kv_len, (run + 1) * blocks / runs * kBlockKeys)};
  }

  /// body(run, batch, kv_head) for all that a unit owns, in order.
  template <class Body>
  void for_each_head(std::int64_t unit, const Body& body) const {
    const std::int64_t run = unit / units_of_run(), at = unit % units_of_run();
    const std::int64_t inner = all_heads ? 1 : heads;
    const std::int64_t batch = all_batches ? 0 : at / inner, head = all_heads ? 0 : at % inner;
    for (std::int64_t b = batch; b < (all_batches ? batches : batch + 1); ++b)
      for (std::int64_t h = head; h < (all_heads ? heads : head + 1); ++h) body(run, b, h);
  }
  /// Where the sums of (run, batch, kv_head)'s first query head stand among [runs, B, H].
  std::size_t sums_at(std::int64_t run, std::int64_t batch, std::int64_t kv_head) const {
    return static_cast<std::size_t>(((run * batches + batch) * heads + kv_head) * group);
  }
};

/// body(batch, position) for every token, in parallel.
template <class Body>
void for_each_token(std::int64_t batches, std::int64_t length, const Body& body) {
  constexpr std::int64_t kTokens = 64;  // of one task
  const std::int64_t blocks = (length + kTokens - 1) / kTokens;
  parallel_for(batches * blocks, [&](std::int64_t i) {
    const std::int64_t begin = i % blocks * kTokens;
    for (std::int64_t t = begin; t < std::min(begin + kTokens, length); ++t) body(i / blocks, t);
  });
}

/// What every unit reads, and what units leave.
struct BackwardShared {
  BackwardPlan plan;
  std::vector<float> delta;              ///< [B, H, Tq]: dz . z of a row; 0 where it is dead
  std::vector<HeadSums> sums;            ///< [runs, B, H]
  std::vector<MutableTensorView> d_q{};  ///< of each run; the first is the caller's
};

}  // namespace headlight
