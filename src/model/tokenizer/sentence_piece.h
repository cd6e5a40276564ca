// SentencePiece models (tokenizer.model), read and run by libsentencepiece.
#pragma once

#include <filesystem>
#include <memory>

#include "io/json.h"
#include "model/tokenizer.h"

namespace headlight {

/// `config` is the folder's tokenizer_config.json, or an empty object: add_bos_token (default: if
/// the model has one) and add_eos_token (default: no) are kept. Throws, naming the file, when it is
/// damaged.
std::unique_ptr<Tokenizer> read_sentence_piece(const std::filesystem::path& path,
                                               const JsonObject& config);

}  // namespace headlight
