// Tokenizers as files that this program and Hugging Face's libraries read alike.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "io/json.h"
#include "train/bpe_trainer.h"

namespace headlight {

/// What stands around a text, and for what is hidden.
enum class TokenizerUse {
  generate,  ///< nothing around it; <|endoftext|> between texts
  fill,      ///< [CLS] text [SEP]; [PAD], [UNK] and [MASK] beside them
};

/// A tokenizer before it is written.
struct TokenizerFiles {
  Json tokenizer;  ///< tokenizer.json
  Json config;     ///< tokenizer_config.json
};

/// Special tokens of a use; they have the first ids, in this order.
std::vector<std::string> special_tokens(TokenizerUse use);

/// A byte-level BPE: every text can be written in its pieces, and read back from them.
/// `vocabulary.pieces` starts with the special tokens.
TokenizerFiles byte_level_bpe_files(const BpeVocabulary& vocabulary, TokenizerUse use);

/// Learns a byte-level BPE of at most `vocab_size` pieces from text files. Throws for a file that
/// cannot be read or is not UTF-8, for files without text, and for a size below that of the bytes
/// and the special tokens.
BpeVocabulary learn_byte_level_bpe(std::span<const std::filesystem::path> files,
                                   std::size_t vocab_size, TokenizerUse use);

/// The tokenizer of models of the micro-world: lower case; one token for each word of its lexicon,
/// Chinese ones included; other words in pieces (WordPiece), down to letters and single Chinese
/// characters of the lexicon; [UNK] for what has none.
TokenizerFiles micro_world_tokenizer_files();

/// Writes both files into `folder`, which is made if absent, each atomically.
void write_tokenizer_files(const TokenizerFiles& files, const std::filesystem::path& folder);

}  // namespace headlight
