// Tokenizers from before tokenizer.json: vocabulary files whose rules are in the program.
#pragma once

#include <filesystem>
#include <memory>

#include "io/json.h"
#include "model/tokenizer.h"

namespace headlight {

// `config` is the folder's tokenizer_config.json, or an empty object.

/// vocab.json + merges.txt, as GPT-2 (openai/gpt-2, src/encoder.py) or, if the config's
/// tokenizer_class says so, Qwen2 cut text. Throws for other classes.
std::unique_ptr<Tokenizer> read_bpe_files(const std::filesystem::path& vocab,
                                          const std::filesystem::path& merges,
                                          const JsonObject& config);
/// vocab.txt, one piece on a line, with BERT's rules (google-research/bert, tokenization.py);
/// do_lower_case, strip_accents and tokenize_chinese_chars of the config are kept.
std::unique_ptr<Tokenizer> read_bert_vocab(const std::filesystem::path& vocab,
                                           const JsonObject& config);

}  // namespace headlight
