// Steps that cut text into words, which the model then looks up one by one.
// Names and meanings are those of tokenizer.json (huggingface.co/docs/tokenizers, pre-tokenizers).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "model/tokenizer/aligned_text.h"
#include "model/tokenizer/pattern.h"

namespace headlight {

/// Text and the words in it, in order; what lies between two words is dropped.
struct Words {
  AlignedText text;
  std::vector<Span> words;
};

using PreTokenizer = std::function<Words(Words)>;

/// What happens to the matches that words are split at.
enum class SplitBehavior { removed, isolated, merged_with_previous, merged_with_next, contiguous };

/// Where Metaspace puts its mark: before every word, before the text's first one, or nowhere.
enum class PrependScheme { always, first, never };

PreTokenizer pre_tokenize_sequence(std::vector<PreTokenizer> steps);
/// With `invert`, the matches are the words and what lies between them is split at.
PreTokenizer pre_tokenize_split(Pattern pattern, SplitBehavior behavior, bool invert);
PreTokenizer pre_tokenize_bert();              ///< white space removed, punctuation isolated
PreTokenizer pre_tokenize_whitespace();        ///< runs of word characters, runs of the others
PreTokenizer pre_tokenize_whitespace_split();  ///< at white space
PreTokenizer pre_tokenize_delimiter(char32_t delimiter);  ///< at one character, removed
PreTokenizer pre_tokenize_digits(bool individual);
PreTokenizer pre_tokenize_punctuation(SplitBehavior behavior);
/// ' ' becomes `mark`; words begin at marks unless `split` is false.
PreTokenizer pre_tokenize_metaspace(std::string mark, PrependScheme scheme, bool split);
/// Words by GPT-2's expression if `use_regex`, then every byte as a character (byte_alphabet.h).
PreTokenizer pre_tokenize_byte_level(bool add_prefix_space, bool use_regex);

}  // namespace headlight
