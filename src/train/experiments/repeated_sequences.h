// Sequences that hold a run of random tokens twice: what a model can only continue by looking up
// what came next before.
#pragma once

#include "train/examples.h"
#include "train/random.h"

namespace headlight {

/// Sizes of the sequences: filler, a run, filler again, the same run. Each length is drawn anew, so
/// that neither positions nor distances say where the first copy is, and no token of the filler or
/// the run occurs in another place: what followed it is known without doubt.
struct RepeatedSizes {
  std::int64_t vocab_size = 40;
  std::int64_t least_run = 6, most_run = 12;
  std::int64_t most_before = 6, most_gap = 12;

  /// The longest sequence.
  std::int64_t max_len() const { return most_before + most_gap + 2 * most_run; }
};

/// Asked is what follows each token of the second copy but the last. Throws unless the vocabulary
/// has enough tokens for the longest sequence.
class RepeatedSequences final : public ExampleSource {
 public:
  RepeatedSequences(const RepeatedSizes& sizes, std::uint64_t seed);

  std::int64_t vocab_size() const override { return sizes_.vocab_size; }
  Example example(std::uint64_t index) const override;
  std::vector<HeldOut> heldout() const override;
  void write_tokenizer(const std::filesystem::path&) const override {}
  std::string fingerprint() const override;

 private:
  Example drawn(RandomUse use, std::uint64_t index) const;

  RepeatedSizes sizes_;
  std::uint64_t seed_;
};

}  // namespace headlight
