// Asks a model about held-out sentences of the micro-world, with all its heads and without some.
#pragma once

#include <cstdint>
#include <functional>

#include "inspect/abilities.h"
#include "model/tokenizer.h"
#include "model/transformer.h"

namespace headlight {

struct AbilityOptions {
  std::int64_t sentences = 1000;  ///< held-out ones, from the first
  std::uint64_t seed = 1;
  bool removals = true;  ///< also ask everything without each head, and without sets of heads
  /// Called now and then with passes through the model, done and in all.
  std::function<void(std::int64_t done, std::int64_t total)> progress = {};
};

/// Every relation and language that the sentences hold, in their order.
///
/// Where heads look is counted on the whole sentences, and every token may be the strongest target.
/// A word that is asked is hidden, with those of its group. Heads are removed as Ablation does it:
/// `mean` is taken over questions from the training split, `resample` puts z of one of them in its
/// place, asked about the same relation and of the same length where there is one.
///
/// Sets are measured for coreference: for k = 1, 2, 3 the k heads of one layer that look at the
/// referent most often, beside 40 random sets of k other heads (for k = 1, all other heads).
///
/// Throws when the model has no head for masked tokens, or not the micro-world's words.
Abilities measure_abilities(const Transformer& model, const Tokenizer& tokenizer,
                            const AbilityOptions& options);

}  // namespace headlight
