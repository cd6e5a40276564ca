#include "model/tokenizer/post_processor.h"

namespace headlight {

PostProcessor cls_sep_template(std::int64_t cls, std::int64_t sep, int second_type,
                               int separators_between) {
  using Kind = TemplateItem::Kind;
  PostProcessor out;
  out.single = {{Kind::special, 0, cls}, {Kind::first, 0, 0}, {Kind::special, 0, sep}};
  Template pair = out.single;
  for (int i = 1; i < separators_between; ++i) pair.push_back({Kind::special, second_type, sep});
  pair.push_back({Kind::second, second_type, 0});
  pair.push_back({Kind::special, second_type, sep});
  out.pair = std::move(pair);
  return out;
}

void trim_spaces(std::string_view text, bool add_prefix_space, std::vector<Token>& tokens) {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    Token& token = tokens[i];
    const std::string_view covered = text.substr(token.begin, token.end - token.begin);
    std::size_t leading = covered.find_first_not_of(' ');
    if (leading == covered.npos) leading = covered.size();
    const std::size_t last = covered.find_last_not_of(' ');
    const std::size_t trailing = last == covered.npos ? covered.size() : covered.size() - last - 1;
    const bool first = i == 0 || token.begin == 0;
    // One space at the very start may be the user's own, in the place of the one to be added.
    if (!(first && add_prefix_space && leading == 1)) token.begin += leading;
    token.end = std::max(token.begin, token.end - trailing);
  }
}

std::vector<Token> fill_template(const Template& items, const std::vector<Token>& first,
                                 const std::vector<Token>& second) {
  std::vector<Token> out;
  for (const TemplateItem& item : items) {
    if (item.kind == TemplateItem::Kind::special) {
      out.push_back({.id = item.id, .piece = {}, .special = true, .type_id = item.type_id});
      continue;
    }
    const auto& tokens = item.kind == TemplateItem::Kind::first ? first : second;
    for (const Token& token : tokens) {
      out.push_back(token);
      out.back().type_id = item.type_id;
    }
  }
  return out;
}

}  // namespace headlight
