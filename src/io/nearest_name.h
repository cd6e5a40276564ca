// "Did you mean": the known name closest to one that was not found.
#pragma once

#include <optional>
#include <ranges>
#include <string>
#include <string_view>

#include "core/error.h"

namespace headlight {

/// Levenshtein distance in bytes: insertions, deletions and replacements, each 1.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The name with the smallest edit distance to `wanted`, the first of equals; nothing when every
/// name differs in more than half of its bytes, since a far-fetched hint is worse than none.
template <std::ranges::input_range Names>
std::optional<std::string_view> nearest_name(std::string_view wanted, const Names& names) {
  constexpr std::size_t kLongest = 256;  // bounds the work that a hostile name can cause
  std::optional<std::string_view> best;
  std::size_t least = wanted.size() / 2 + 1;
  if (wanted.size() > kLongest) return best;
  for (const std::string_view name : names) {
    if (name.size() > kLongest) continue;
    const std::size_t distance = edit_distance(wanted, name);
    if (distance >= least) continue;
    least = distance;
    best = name;
  }
  return best;
}

/// The end of a "not found" message: `; the nearest is "name"`, or nothing.
template <std::ranges::input_range Names>
std::string nearest_hint(std::string_view wanted, const Names& names) {
  const auto nearest = nearest_name(wanted, names);
  return nearest ? fmt::format("; the nearest is \"{}\"", printable(*nearest)) : std::string();
}

}  // namespace headlight
