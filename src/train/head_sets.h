// Sets of heads to be removed together. Heads are numbered layer * n_heads + head.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace headlight {

using HeadNumbers = std::vector<std::int64_t>;

/// The `size` heads of one layer, 1 <= size <= n_heads, that count most together; the most first,
/// earlier ones of equals. `counts` has one number for each head.
HeadNumbers strongest_set(std::span<const std::int64_t> counts, std::int64_t n_heads,
                          std::int64_t size);

/// `draws` sets of as many heads as `set` has, drawn from the `n_all` heads that are not in it; for
/// one head each of the others once. Empty when too few are left.
std::vector<HeadNumbers> random_sets(const HeadNumbers& set, std::int64_t n_all, std::size_t draws,
                                     std::uint64_t seed);

}  // namespace headlight
