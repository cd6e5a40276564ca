// What the patterns of all heads are like over a whole text, in three numbers for each.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/tensor.h"
#include "inspect/trace.h"
#include "model/tokenizer.h"

namespace headlight {

/// Means over all queries of a text, fp32 [n_layers, n_heads] each.
struct HeadStatistics {
  Tensor entropy;                   ///< of a row, in nats (Clark et al. 2019, section 3.3)
  Tensor distance;                  ///< sum_j p[i, j] |i - j|, in tokens (Vig and Belinkov 2019)
  Tensor sink_mass;                 ///< of a row on the sinks, in [0, 1]
  std::vector<std::int64_t> sinks;  ///< their places in the text, rising
};

/// Where heads rest that find nothing to read: the special tokens ([CLS], <s>; Clark et al. 2019,
/// section 3.2), in a text without any the first token (Xiao et al. 2024, section 3.1).
std::vector<std::int64_t> sinks_of(std::span<const Token> tokens);

/// One pass of attention over each traced layer, O(T) memory: no pattern is stored. Throws for a
/// trace without tokens or layers.
HeadStatistics head_statistics(const Trace& trace);

}  // namespace headlight
