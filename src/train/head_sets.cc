#include "train/head_sets.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "train/random.h"

namespace headlight {

HeadNumbers strongest_set(std::span<const std::int64_t> counts, std::int64_t n_heads,
                          std::int64_t size) {
  const auto count = [&](std::int64_t head) { return counts[static_cast<std::size_t>(head)]; };
  HeadNumbers best;
  std::int64_t most = -1;
  for (std::int64_t first = 0; first < std::ssize(counts); first += n_heads) {
    HeadNumbers layer(static_cast<std::size_t>(n_heads));
    std::iota(layer.begin(), layer.end(), first);
    std::ranges::stable_sort(layer, std::greater<>(), count);
    layer.resize(static_cast<std::size_t>(size));
    std::int64_t sum = 0;
    for (const std::int64_t head : layer) sum += count(head);
    if (sum <= most) continue;
    most = sum;
    best = std::move(layer);
  }
  return best;
}

std::vector<HeadNumbers> random_sets(const HeadNumbers& set, std::int64_t n_all, std::size_t draws,
                                     std::uint64_t seed) {
  HeadNumbers others;
  for (std::int64_t head = 0; head < n_all; ++head)
    if (std::ranges::find(set, head) == set.end()) others.push_back(head);
  std::vector<HeadNumbers> sets;
  if (set.size() == 1) {
    for (const std::int64_t head : others) sets.push_back({head});
    return sets;
  }
  for (std::size_t draw = 0; draw < draws && others.size() >= set.size(); ++draw) {
    Random random(seed, RandomUse::head_sets, std::uint64_t{set.size()} << 32 | draw);
    HeadNumbers drawn = others;  // Fisher and Yates 1938, as far as needed
    for (std::size_t i = 0; i < set.size(); ++i)
      std::swap(drawn[i], drawn[i + static_cast<std::size_t>(random.below(
                                        std::ssize(drawn) - static_cast<std::ptrdiff_t>(i)))]);
    drawn.resize(set.size());
    sets.push_back(std::move(drawn));
  }
  return sets;
}

}  // namespace headlight
