#include "model/tokenizer/pipeline.h"

#include <limits>
#include <unordered_map>
#include <utility>

#include "core/error.h"
#include "model/tokenizer/byte_alphabet.h"

namespace headlight {
namespace {

constexpr std::string_view kOp = "tokenizer";
constexpr std::string_view kMetaspace = "\u2581";

class Pipeline final : public Tokenizer {
 public:
  explicit Pipeline(PipelineParts parts)
      : parts_(std::move(parts)),
        added_(std::move(parts_.added_tokens), parts_.normalizer),
        readable_metaspace_(decode_replace(Pattern::literal(std::string(kMetaspace)), " ")) {}

  std::vector<Token> encode(std::string_view text, const EncodeOptions& options) const override;
  std::vector<Token> encode_pair(std::string_view first, std::string_view second) const override;
  std::string decode(const std::vector<std::int64_t>& ids) const override;
  std::string piece(std::int64_t id) const override;
  std::int64_t vocab_size() const override { return parts_.vocabulary->size(); }
  std::string_view kind() const override { return parts_.kind; }

 private:
  std::vector<Token> encode_text(std::string_view text) const;
  void encode_raw(std::string_view text, Span range, std::vector<Token>& tokens) const;
  void encode_words(const AlignedText& text, std::vector<Token>& tokens) const;
  std::vector<Token> finish(const Template& items, const std::vector<Token>& first,
                            const std::vector<Token>& second) const;

  PipelineParts parts_;
  AddedTokens added_;
  Decoder readable_metaspace_;
};

std::vector<Token> Pipeline::encode(std::string_view text, const EncodeOptions& options) const {
  const std::vector<Token> tokens = encode_text(text);
  static const Template kBare = {{TemplateItem::Kind::first}};
  return finish(options.add_special ? parts_.post_processor.single : kBare, tokens, {});
}

std::vector<Token> Pipeline::encode_pair(std::string_view first, std::string_view second) const {
  check(parts_.post_processor.pair.has_value(), kOp,
        "a pair of texts: this {} tokenizer has no template for pairs; encode them as one text",
        parts_.kind);
  return finish(*parts_.post_processor.pair, encode_text(first), encode_text(second));
}

std::vector<Token> Pipeline::finish(const Template& items, const std::vector<Token>& first,
                                    const std::vector<Token>& second) const {
  std::vector<Token> tokens = fill_template(items, first, second);
  std::unordered_map<std::int64_t, std::string> pieces;
  for (Token& token : tokens) {
    const auto [place, fresh] = pieces.try_emplace(token.id);
    if (fresh) place->second = piece(token.id);
    token.piece = place->second;
  }
  return tokens;
}

/// Calls found(match) for every added token and between(range) for what lies between them.
template <class Found, class Between>
void each_part(std::uint32_t size, const std::vector<AddedMatch>& matches, Found&& found,
               Between&& between) {
  std::uint32_t done = 0;
  for (const AddedMatch& match : matches) {
    if (match.bytes.begin > done) between(Span{done, match.bytes.begin});
    found(match);
    done = match.bytes.end;
  }
  if (done < size) between(Span{done, size});
}

Token token_at(std::int64_t id, Span source) {
  return {.id = id, .piece = {}, .begin = source.begin, .end = source.end};
}

std::vector<Token> Pipeline::encode_text(std::string_view text) const {
  check(text.size() < std::numeric_limits<std::int32_t>::max(), kOp,
        "a text of {} bytes; at most 2 GiB", text.size());
  check_utf8(text, "the text");
  std::vector<Token> tokens;
  each_part(
      static_cast<std::uint32_t>(text.size()), added_.find_raw(text),
      [&](const AddedMatch& match) { tokens.push_back(token_at(match.id, match.bytes)); },
      [&](Span range) { encode_raw(text, range, tokens); });
  if (parts_.post_processor.trim_offsets)
    trim_spaces(text, parts_.post_processor.add_prefix_space, tokens);
  return tokens;
}

void Pipeline::encode_raw(std::string_view text, Span range, std::vector<Token>& tokens) const {
  AlignedText aligned(text.substr(range.begin, range.size()), range.begin);
  if (parts_.normalizer) aligned = parts_.normalizer(aligned);
  each_part(
      aligned.size(), added_.find_normalized(aligned.text()),
      [&](const AddedMatch& match) {
        tokens.push_back(token_at(match.id, aligned.source(match.bytes)));
      },
      [&](Span part) { encode_words(aligned.slice(part), tokens); });
}

void Pipeline::encode_words(const AlignedText& text, std::vector<Token>& tokens) const {
  Words words{text, {{0, text.size()}}};
  if (parts_.pre_tokenizer) words = parts_.pre_tokenizer(std::move(words));
  std::unordered_map<std::string_view, std::vector<WordPart>> seen;  // texts repeat their words
  for (const Span word : words.words) {
    if (word.size() == 0) continue;
    const std::string_view spelling = words.text.text(word);
    const auto [place, fresh] = seen.try_emplace(spelling);
    if (fresh) parts_.model->split(spelling, place->second);
    for (const WordPart& part : place->second)
      tokens.push_back(token_at(part.id, words.text.source({word.begin + part.bytes.begin,
                                                            word.begin + part.bytes.end})));
  }
}

std::string Pipeline::decode(const std::vector<std::int64_t>& ids) const {
  Pieces pieces;
  for (const std::int64_t id : ids) {
    const std::string& spelling = parts_.vocabulary->piece(id);
    if (!added_.is_special(id)) pieces.push_back(spelling);
  }
  std::string text;
  for (const std::string& part : parts_.decoder(std::move(pieces))) text += part;
  return text;
}

std::string Pipeline::piece(std::int64_t id) const {
  const std::string& spelling = parts_.vocabulary->piece(id);
  switch (parts_.style) {
    case PieceStyle::plain:
      return spelling;
    case PieceStyle::bytes:
      return readable_bytes(bytes_of_piece(spelling));
    case PieceStyle::metaspace:
      return readable_metaspace_({spelling}).front();
  }
  return spelling;
}

}  // namespace

std::unique_ptr<Tokenizer> make_pipeline(PipelineParts parts) {
  return std::make_unique<Pipeline>(std::move(parts));
}

}  // namespace headlight
