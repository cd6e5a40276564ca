// Dropout with a counter-based generator: whether a pair is dropped depends on where it stands and
// on nothing else, so that forward, backward, every kernel, tile order and thread count agree.
#pragma once

#include <array>
#include <cstdint>

namespace headlight {

/// Dropout on the pattern (Vaswani et al. 2017, section 5.4; as PyTorch's dropout_p): a pair's
/// weight becomes 0 with probability p, else weight / (1 - p), after the softmax. The same values
/// give the same mask.
struct Dropout {
  float p = 0;  ///< in [0, 1); 0: none
  std::uint64_t seed = 0;
  std::uint32_t offset = 0;      ///< tells layers and steps under one seed apart
  std::int64_t first_batch = 0;  ///< the number that batch entry 0 counts as

  /// Words of the generator below this drop their pair.
  std::uint32_t threshold() const;
  /// What a pair's weight is multiplied by if it is kept.
  float kept() const { return 1 / (1 - p); }
};

/// The query head of one batch entry, among all that a mask is drawn for.
inline std::uint32_t dropout_row(const Dropout& dropout, std::int64_t batch, std::int64_t n_heads,
                                 std::int64_t head) {
  return static_cast<std::uint32_t>((dropout.first_batch + batch) * n_heads + head);
}

/// Philox4x32-10 (Salmon, Moraes, Dror & Shaw 2011): 128 random bits of a counter under a key.
std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                        std::array<std::uint32_t, 2> key);

/// 0 or kept() for a pair: word key % 4 of the counter (key / 4, query, row, offset) under the
/// seed. `row` as dropout_row() gives it.
float dropout_factor(const Dropout& dropout, std::uint32_t row, std::int64_t query,
                     std::int64_t key);

}  // namespace headlight
