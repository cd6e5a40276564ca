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

/// The text, and under it a line for each relation and each word to predict: the words it is about
/// marked beneath them, `<` at the one it starts from and `>` at its partner, `?` at a word to
/// predict. A text wider than a terminal stands above its lines all the same.
std::string text_with_labels(const MicroSentence& sentence, const Style& style);

}  // namespace headlight::app
