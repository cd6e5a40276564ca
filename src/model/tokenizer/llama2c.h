// Vocabularies as llama2.c stores them (github.com/karpathy/llama2.c, tokenizer.py): SentencePiece
// BPE without its normaliser.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "model/tokenizer.h"

namespace headlight {

/// `tokenizer.bin`, or the one `tok<number>.bin` of a folder. Throws when there are several.
std::optional<std::filesystem::path> find_llama2c_vocabulary(const std::filesystem::path& folder);

/// The file: i32 longest piece; then to its end f32 score, i32 length, bytes; little-endian. Ids 0,
/// 1, 2 are unknown, begin and end of text. Throws, naming the file, when it is damaged.
std::unique_ptr<Tokenizer> read_llama2c_vocabulary(const std::filesystem::path& path);

}  // namespace headlight
