// A sentence of the micro-world for people and for programs.
#pragma once

#include <string>

#include "app/terminal.h"
#include "io/json.h"
#include "train/micro_world.h"

namespace headlight::app {

/// {"text", "language", "rule", "relation", "relations": [{"name", "from", "to"}], "masks":
/// [{"relation", "word", "answer", "decoys", "keep", "group"}]}; places are [begin, end) in bytes.
Json json_sentence(const MicroSentence& sentence);

/// The text and, under each of its lines, a line for every relation and word to predict that has a
/// word there: marks beneath the words, `<` at the one a relation starts from, `>` at its partner,
/// `?` at a word to predict; then its name. All in kColumns.
std::string text_with_labels(const MicroSentence& sentence, const Style& style);

}  // namespace headlight::app
