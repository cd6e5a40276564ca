// tokenizer.json, the format of Hugging Face's tokenizers library.
#pragma once

#include <memory>
#include <string>

#include "io/json.h"
#include "model/tokenizer.h"

namespace headlight {

/// The model's type: "BPE", "WordPiece", "WordLevel" or another, told by its settings where an old
/// file does not say.
std::string tokenizer_json_model(const Json& root, const std::string& source);

/// Throws, naming `source`, for what is damaged or not supported. Truncation and padding are left
/// to the caller and ignored.
std::unique_ptr<Tokenizer> read_tokenizer_json(const Json& root, const std::string& source);

}  // namespace headlight
