#include "inspect/blend.h"

#include <algorithm>
#include <numeric>

#include "core/error.h"
#include "inspect/trace.h"

namespace headlight {
namespace {

Readers readers_of(std::int64_t count, std::int64_t n_heads) {
  if (count == 0) return Readers::none;
  if (2 * count <= n_heads) return Readers::divided;
  return 4 * count >= 3 * n_heads ? Readers::consensus : Readers::shared;
}

std::vector<BuriedToken> buried_tokens(const Tensor& rows, const Tensor& average) {
  const auto length = static_cast<std::size_t>(rows.dim(1));
  std::vector<BuriedToken> out;
  for (std::int64_t h = 0; h < rows.dim(0); ++h) {
    const auto row = rows.span<float>().subspan(static_cast<std::size_t>(h) * length, length);
    const auto strongest = std::ranges::max_element(row);
    const auto token = strongest - row.begin();
    const float in_average = average.span<float>()[static_cast<std::size_t>(token)];
    if (*strongest >= kBuriedWeight && in_average < kReads)
      out.push_back({token, h, *strongest, in_average});
  }
  std::ranges::stable_sort(out, std::ranges::greater(), &BuriedToken::weight);
  return out;
}

}  // namespace

std::string_view name_of(Readers readers) {
  switch (readers) {
    case Readers::none:
      return "none";
    case Readers::divided:
      return "divided";
    case Readers::shared:
      return "shared";
    case Readers::consensus:
      return "consensus";
  }
  return "unknown";
}

Blend blend_rows(const Tensor& rows) {
  check(rows.shape().rank() == 2 && rows.dim(0) >= 1 && rows.dim(1) >= 1, "blend",
        "rows {} are not [n_heads, T]", rows.shape());
  const std::int64_t n_heads = rows.dim(0), length = rows.dim(1);
  Blend out;
  out.average = average_of_heads(rows);
  Tensor as_row({1, length});
  std::ranges::copy(out.average.span<float>(), as_row.span<float>().begin());
  out.entropy_of_average = row_entropies(as_row)[0];
  const std::vector<double> entropies = row_entropies(rows);
  out.mean_of_entropies =
      std::accumulate(entropies.begin(), entropies.end(), 0.0) / static_cast<double>(n_heads);
  // Never negative (entropy is concave); rounding of the fp32 rows may say so for equal ones.
  out.jsd = std::max(out.entropy_of_average - out.mean_of_entropies, 0.0);
  for (std::int64_t j = 0; j < length; ++j) {
    std::int64_t count = 0;
    for (std::int64_t h = 0; h < n_heads; ++h)
      count += rows.span<float>()[static_cast<std::size_t>(h * length + j)] >= kReads;
    out.readers.push_back(readers_of(count, n_heads));
  }
  out.buried = buried_tokens(rows, out.average);
  return out;
}

}  // namespace headlight
