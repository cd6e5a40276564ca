// How heads take up their work: what every head looked at, at log-spaced steps of a training run.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "io/json.h"
#include "model/tokenizer.h"
#include "model/transformer.h"

namespace headlight {

/// `count` steps from 1 to `steps`, each about as many times the one before; fewer where they would
/// repeat.
std::vector<std::int64_t> log_spaced(std::int64_t steps, std::int64_t count);

/// One moment of a run as JSON: {"step", "relations": [{"language", "relation", "asked", "right",
/// "pairs", "offset", "heads": [percent...]}...], "sentences": [{"text", "tokens",
/// "patterns"}...]}. `asked` and `pairs` are counts; `right`, `offset` and `heads` the shares of
/// RelationAbility, in percent. `patterns` has a character for every weight, [layer, head, query,
/// key]: the index i of the character in A-Z a-z 0-9 + / stands for the weight (i / 63)^2, which
/// keeps small weights apart.
Json emergence_snapshot(std::int64_t step, const Transformer& model, const Tokenizer& tokenizer);

/// The sentences whose patterns are kept.
std::vector<std::string_view> emergence_sentences();

/// A weight in [0, 1] as its character, and back.
char weight_character(double weight);
double weight_of(char character);

}  // namespace headlight
