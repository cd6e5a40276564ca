// From pieces back to text. Names and meanings are those of tokenizer.json
// (huggingface.co/docs/tokenizers, decoders).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "model/tokenizer/pattern.h"
#include "model/tokenizer/pre_tokenizers.h"

namespace headlight {

using Pieces = std::vector<std::string>;
/// What it returns is joined without anything between.
using Decoder = std::function<Pieces(Pieces)>;

Decoder decode_sequence(std::vector<Decoder> steps);
Decoder decode_joined(std::string between);  ///< for a file that names no decoder
Decoder decode_fuse();                       ///< one piece of all
Decoder decode_byte_level();                 ///< byte_alphabet.h backwards
Decoder decode_byte_fallback();              ///< runs of <0xE2> as the characters they spell
Decoder decode_word_piece(std::string prefix, bool cleanup);
Decoder decode_metaspace(std::string mark, PrependScheme scheme);
Decoder decode_bpe(std::string suffix);  ///< end-of-word suffixes become spaces
Decoder decode_replace(Pattern pattern, std::string content);
/// Up to `start` of `content` from the front of every piece, up to `stop` from its end.
Decoder decode_strip(char32_t content, std::size_t start, std::size_t stop);

}  // namespace headlight
