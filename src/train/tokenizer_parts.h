// What the tokenizers that are written have in common.
#pragma once

#include "train/tokenizer_files.h"

namespace headlight {

/// A tokenizer.json with its special tokens and what they are put around; its normalizer is null
/// and its model is missing.
Json tokenizer_frame(TokenizerUse use);
/// A tokenizer_config.json.
Json tokenizer_config(TokenizerUse use);

}  // namespace headlight
