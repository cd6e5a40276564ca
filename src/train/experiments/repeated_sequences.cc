#include "train/experiments/repeated_sequences.h"

#include <numeric>
#include <utility>

#include "core/error.h"

namespace headlight {
namespace {

constexpr std::uint64_t kHeldOutSequences = 48;

/// The first n of a random order of all tokens (Fisher & Yates).
std::vector<std::int64_t> different_tokens(std::int64_t n, std::int64_t vocab_size,
                                           Random& random) {
  std::vector<std::int64_t> all(static_cast<std::size_t>(vocab_size));
  std::iota(all.begin(), all.end(), 0);
  for (std::int64_t i = 0; i < n; ++i)
    std::swap(all[static_cast<std::size_t>(i)],
              all[static_cast<std::size_t>(i + random.below(vocab_size - i))]);
  all.resize(static_cast<std::size_t>(n));
  return all;
}

}  // namespace

RepeatedSequences::RepeatedSequences(const RepeatedSizes& sizes, std::uint64_t seed)
    : sizes_(sizes), seed_(seed) {
  const std::int64_t needed = sizes.most_before + sizes.most_gap + sizes.most_run;
  check(2 <= sizes.least_run && sizes.least_run <= sizes.most_run && sizes.most_before >= 0 &&
            sizes.most_gap >= 0 && needed <= sizes.vocab_size,
        "experiment", "runs of {} to {} and {} more tokens need {} different ones, there are {}",
        sizes.least_run, sizes.most_run, sizes.most_before + sizes.most_gap, needed,
        sizes.vocab_size);
}

Example RepeatedSequences::drawn(RandomUse use, std::uint64_t index) const {
  Random random(seed_, use, index);
  const std::int64_t run = sizes_.least_run + random.below(sizes_.most_run - sizes_.least_run + 1);
  const std::int64_t before = random.below(sizes_.most_before + 1);
  const std::int64_t gap = random.below(sizes_.most_gap + 1);
  Example out{different_tokens(before + run + gap, sizes_.vocab_size, random), {}};
  out.targets.assign(out.ids.size(), kIgnoredTarget);
  for (std::int64_t i = 0; i < run; ++i) {
    const auto at = static_cast<std::size_t>(before + i);
    out.ids.push_back(out.ids[at]);
    out.targets.push_back(i + 1 < run ? out.ids[at + 1] : kIgnoredTarget);
  }
  return out;
}

Example RepeatedSequences::example(std::uint64_t index) const {
  return drawn(RandomUse::examples, index);
}

std::vector<HeldOut> RepeatedSequences::heldout() const {
  HeldOut part{"second copy", {}};
  for (std::uint64_t i = 0; i < kHeldOutSequences; ++i)
    part.examples.push_back(drawn(RandomUse::heldout, i));
  return {std::move(part)};
}

std::string RepeatedSequences::fingerprint() const {
  return fmt::format("repeated {} {}-{} {} {} seed {}", sizes_.vocab_size, sizes_.least_run,
                     sizes_.most_run, sizes_.most_before, sizes_.most_gap, seed_);
}

}  // namespace headlight
