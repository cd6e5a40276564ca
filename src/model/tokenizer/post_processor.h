// The special tokens around a text or a pair of texts, and the segment of every token.
#pragma once

#include <optional>
#include <vector>

#include "model/tokenizer.h"

namespace headlight {

/// One item of a template: a special token, or all tokens of a text.
struct TemplateItem {
  enum class Kind { special, first, second };
  Kind kind = Kind::first;
  int type_id = 0;
  std::int64_t id = 0;  ///< of a special token
};
using Template = std::vector<TemplateItem>;

/// TemplateProcessing, BertProcessing and RobertaProcessing of tokenizer.json are all templates.
struct PostProcessor {
  Template single = {{TemplateItem::Kind::first}};
  std::optional<Template> pair = std::nullopt;  ///< none: the tokenizer knows no pairs
  bool trim_offsets = false;     ///< spaces at the ends of a byte-level token are not its own
  bool add_prefix_space = true;  ///< a space at the text's start was put there: nothing to trim
};

/// [CLS] A [SEP], and [CLS] A [SEP] B [SEP] with `second_type` for B and what follows it;
/// Roberta's has two separators between.
PostProcessor cls_sep_template(std::int64_t cls, std::int64_t sep, int second_type,
                               int separators_between);

/// Shortens the source of tokens to leave out spaces, as ByteLevel's trim_offsets says.
void trim_spaces(std::string_view text, bool add_prefix_space, std::vector<Token>& tokens);

/// Fills the template; special tokens have no text, an empty range and no piece yet.
std::vector<Token> fill_template(const Template& items, const std::vector<Token>& first,
                                 const std::vector<Token>& second);

}  // namespace headlight
