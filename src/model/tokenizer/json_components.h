// The parts of a tokenizer.json other than its model, one reader for each.
#pragma once

#include <string>

#include "io/json.h"
#include "model/tokenizer/decoders.h"
#include "model/tokenizer/normalizers.h"
#include "model/tokenizer/post_processor.h"
#include "model/tokenizer/pre_tokenizers.h"
#include "model/tokenizer/vocabulary.h"

namespace headlight {

// Each throws, naming `source` and the type, for a type it does not know (with those it does), a
// setting that is missing or of the wrong kind, and a regular expression that does not compile.

Normalizer read_normalizer(const Json& value, const std::string& source);
PreTokenizer read_pre_tokenizer(const Json& value, const std::string& source);
Decoder read_decoder(const Json& value, const std::string& source);
/// Also throws for a special token whose id the vocabulary has not.
PostProcessor read_post_processor(const Json& value, const Vocabulary& vocabulary,
                                  const std::string& source);

/// The entries of a JSON object {"piece": id, ...}.
std::vector<VocabularyEntry> read_vocabulary_entries(const Json& value, const std::string& source);

/// Whether `type` is the type of `value` or of a step of its sequence.
bool names_type(const Json& value, std::string_view type);

}  // namespace headlight
