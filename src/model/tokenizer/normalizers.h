// Steps that change text before it is cut into words; each keeps the source of what it changes.
// Names and meanings are those of tokenizer.json (huggingface.co/docs/tokenizers, normalizers).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "model/tokenizer/aligned_text.h"
#include "model/tokenizer/pattern.h"

namespace headlight {

using Normalizer = std::function<AlignedText(const AlignedText&)>;

enum class NormalForm { nfc, nfd, nfkc, nfkd };

/// What BertNormalizer may do, in this order.
struct BertOptions {
  bool clean_text = true;            ///< drop control characters; every white space becomes ' '
  bool handle_chinese_chars = true;  ///< spaces around CJK ideographs
  std::optional<bool> strip_accents = std::nullopt;  ///< unset: as `lowercase`
  bool lowercase = true;
};

Normalizer normalize_sequence(std::vector<Normalizer> steps);
/// Unicode Standard Annex 15. A composed character's source is all that it was composed of.
Normalizer normalize_form(NormalForm form);
Normalizer normalize_lowercase();
Normalizer normalize_strip_accents();  ///< drops marks; meant to follow NFD
Normalizer normalize_strip(bool left, bool right);
Normalizer normalize_prepend(std::string prefix);  ///< nothing is put before an empty text
Normalizer normalize_replace(Pattern pattern, std::string content);
Normalizer normalize_bert(const BertOptions& options);

}  // namespace headlight
