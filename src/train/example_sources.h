// The sources that make_examples chooses from.
#pragma once

#include "train/examples.h"
#include "train/tokenizer_files.h"

namespace headlight {

/// nano-sort's task (sort_examples.cc).
std::unique_ptr<ExampleSource> sort_examples(const TrainSettings& settings);
/// Windows of the user's texts, for models that continue and for models that fill in
/// (text_examples.cc).
std::unique_ptr<ExampleSource> text_examples(const TrainSettings& settings,
                                             const std::vector<std::filesystem::path>& files);
/// Sentences of the micro-world with words to fill in (micro_world_examples.cc).
std::unique_ptr<ExampleSource> micro_world_examples(const TrainSettings& settings);

/// The id of a special token of tokenizers that are learnt here.
std::int64_t special_id(TokenizerUse use, std::string_view name);
/// Whether the settings' model fills in hidden tokens, rather than continue a text.
bool fills_in(const TrainSettings& settings);

}  // namespace headlight
