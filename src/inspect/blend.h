// One blended row against many: what the average of a layer's heads keeps, and what it buries.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/tensor.h"

namespace headlight {

/// A head reads a token when it gives it at least this much.
inline constexpr float kReads = 0.1f;

/// How the heads treat a token. none: no head reads it; divided: at most half of them do;
/// consensus: at least three quarters do; shared: what lies between.
enum class Readers : std::uint8_t { none, divided, shared, consensus };
std::string_view name_of(Readers readers);

/// A token that is the strongest target of a head, with at least kBuriedWeight, but that the
/// average does not read.
struct BuriedToken {
  std::int64_t token, head;
  float weight, average;
};
inline constexpr float kBuriedWeight = 0.25f;

struct Blend {
  Tensor average;                                        ///< [T]: the mean of the rows
  double entropy_of_average = 0, mean_of_entropies = 0;  ///< nats
  /// Jensen-Shannon divergence of the rows, equally weighted (Lin 1991): entropy_of_average less
  /// mean_of_entropies, in nats. 0 when all heads read alike, at most ln(n_heads).
  double jsd = 0;
  std::vector<Readers> readers;     ///< of each token
  std::vector<BuriedToken> buried;  ///< at most one for each head, the heaviest first
};

/// Blends the rows [n_heads, T] of one query token (query_rows).
Blend blend_rows(const Tensor& rows);

}  // namespace headlight
