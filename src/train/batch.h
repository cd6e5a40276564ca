// What one pass of training reads: sequences of any lengths, packed without padding.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/cross_entropy.h"

namespace headlight {

/// One sequence and what the model is to say at each of its positions.
struct Example {
  std::vector<std::int64_t> ids;
  std::vector<std::int64_t> targets;  ///< as long as ids; kIgnoredTarget where nothing is asked
};

/// Sequences of one length, beside each other: attention takes them as a batch, and nothing is
/// spent on padding.
struct SequenceGroup {
  std::int64_t row = 0;  ///< of the first sequence's first token
  std::int64_t count = 0, length = 0;
};

/// The tokens of all sequences as rows, shortest sequences first.
struct Batch {
  std::vector<std::int64_t> ids, positions;  ///< [rows]
  std::vector<SequenceGroup> groups;
  std::vector<std::int64_t> target_rows, targets;  ///< rows that are asked, and the right answers

  std::int64_t rows() const { return std::ssize(ids); }
};

/// Throws unless every example has 1 to max_len ids in [0, vocab_size), and as many targets.
Batch pack(std::span<const Example> examples, std::int64_t max_len, std::int64_t vocab_size);

}  // namespace headlight
