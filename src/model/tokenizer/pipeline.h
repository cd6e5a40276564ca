// A tokenizer put together from the parts that tokenizer.json names.
#pragma once

#include <memory>
#include <string>

#include "model/tokenizer.h"
#include "model/tokenizer/added_tokens.h"
#include "model/tokenizer/decoders.h"
#include "model/tokenizer/normalizers.h"
#include "model/tokenizer/post_processor.h"
#include "model/tokenizer/pre_tokenizers.h"
#include "model/tokenizer/word_model.h"

namespace headlight {

/// How the pieces of a vocabulary are written.
enum class PieceStyle {
  plain,      ///< as they are
  bytes,      ///< in the alphabet of byte_alphabet.h
  metaspace,  ///< spaces as U+2581
};

struct PipelineParts {
  std::string kind;  ///< "byte-level BPE", "BPE", "WordPiece", "WordLevel"
  VocabularyPtr vocabulary;
  std::unique_ptr<WordModel> model;
  std::vector<AddedToken> added_tokens = {};
  Normalizer normalizer = {};       ///< may be empty
  PreTokenizer pre_tokenizer = {};  ///< may be empty
  PostProcessor post_processor = {};
  Decoder decoder = decode_joined(" ");
  PieceStyle style = PieceStyle::plain;
};

std::unique_ptr<Tokenizer> make_pipeline(PipelineParts parts);

}  // namespace headlight
