#include "model/tokenizer/decoders.h"

#include <charconv>
#include <optional>
#include <utility>

#include "core/utf8.h"
#include "model/tokenizer/byte_alphabet.h"
#include "model/tokenizer/unicode.h"

namespace headlight {
namespace {

std::string join(const Pieces& pieces, std::string_view between) {
  std::string out;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    if (i > 0) out += between;
    out += pieces[i];
  }
  return out;
}

std::string replaced(const Pattern& pattern, std::string_view text, std::string_view content) {
  std::string out;
  std::uint32_t done = 0;
  for (const Span match : pattern.find_all(text)) {
    out.append(text.substr(done, match.begin - done)).append(content);
    done = match.end;
  }
  return out.append(text.substr(done));
}

/// The byte that a piece like <0xE2> stands for.
std::optional<char> fallback_byte(std::string_view piece) {
  if (piece.size() != 6 || !piece.starts_with("<0x") || piece.back() != '>') return std::nullopt;
  std::uint8_t byte = 0;
  const char* const end = piece.data() + 5;
  const auto [stop, error] = std::from_chars(piece.data() + 3, end, byte, 16);
  if (error != std::errc() || stop != end) return std::nullopt;
  return static_cast<char>(byte);
}

/// What a run of fallback bytes spells; when it is not UTF-8, every byte is U+FFFD.
void flush_bytes(std::string& bytes, Pieces& out) {
  if (is_utf8(bytes)) {
    if (!bytes.empty()) out.push_back(bytes);
  } else {
    for (std::size_t i = 0; i < bytes.size(); ++i) out.emplace_back("\uFFFD");
  }
  bytes.clear();
}

// What English text loses around its punctuation (transformers, clean_up_tokenization).
std::string clean_up(std::string text) {
  static const std::pair<Pattern, std::string> kRules[] = {
      {Pattern::literal(" ."), "."},     {Pattern::literal(" ?"), "?"},
      {Pattern::literal(" !"), "!"},     {Pattern::literal(" ,"), ","},
      {Pattern::literal(" ' "), "'"},    {Pattern::literal(" n't"), "n't"},
      {Pattern::literal(" 'm"), "'m"},   {Pattern::literal(" do not"), " don't"},
      {Pattern::literal(" 's"), "'s"},   {Pattern::literal(" 've"), "'ve"},
      {Pattern::literal(" 're"), "'re"},
  };
  for (const auto& [pattern, content] : kRules) text = replaced(pattern, text, content);
  return text;
}

}  // namespace

Decoder decode_sequence(std::vector<Decoder> steps) {
  return [steps = std::move(steps)](Pieces pieces) {
    for (const Decoder& step : steps) pieces = step(std::move(pieces));
    return pieces;
  };
}

Decoder decode_joined(std::string between) {
  return [between = std::move(between)](const Pieces& pieces) {
    return Pieces{join(pieces, between)};
  };
}

Decoder decode_fuse() {
  return decode_joined("");
}

Decoder decode_byte_level() {
  return [](const Pieces& pieces) {
    std::string bytes;
    for (const std::string& piece : pieces) bytes += bytes_of_piece(piece);
    return Pieces{lossy_utf8(bytes)};
  };
}

Decoder decode_byte_fallback() {
  return [](const Pieces& pieces) {
    Pieces out;
    std::string bytes;
    for (const std::string& piece : pieces) {
      if (const auto byte = fallback_byte(piece)) {
        bytes += *byte;
        continue;
      }
      flush_bytes(bytes, out);
      out.push_back(piece);
    }
    flush_bytes(bytes, out);
    return out;
  };
}

Decoder decode_word_piece(std::string prefix, bool cleanup) {
  return [prefix = std::move(prefix), cleanup](Pieces pieces) {
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      if (i > 0 && pieces[i].starts_with(prefix))
        pieces[i].erase(0, prefix.size());
      else if (i > 0)
        pieces[i].insert(pieces[i].begin(), ' ');
      if (cleanup) pieces[i] = clean_up(std::move(pieces[i]));
    }
    return pieces;
  };
}

Decoder decode_metaspace(std::string mark, PrependScheme scheme) {
  return [pattern = Pattern::literal(std::move(mark)), scheme](Pieces pieces) {
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      const bool drop = i == 0 && scheme != PrependScheme::never;
      pieces[i] = replaced(pattern, pieces[i], drop ? "" : " ");
    }
    return pieces;
  };
}

Decoder decode_bpe(std::string suffix) {
  return [pattern = Pattern::literal(std::move(suffix))](Pieces pieces) {
    for (std::size_t i = 0; i < pieces.size(); ++i)
      pieces[i] = replaced(pattern, pieces[i], i + 1 < pieces.size() ? " " : "");
    return pieces;
  };
}

Decoder decode_replace(Pattern pattern, std::string content) {
  return [pattern = std::move(pattern), content = std::move(content)](Pieces pieces) {
    for (std::string& piece : pieces) piece = replaced(pattern, piece, content);
    return pieces;
  };
}

Decoder decode_strip(char32_t content, std::size_t start, std::size_t stop) {
  std::string unit;
  append_utf8(unit, content);
  return [unit, start, stop](Pieces pieces) {
    for (std::string& piece : pieces) {
      std::string_view rest = piece;
      for (std::size_t i = 0; i < start && rest.starts_with(unit); ++i)
        rest.remove_prefix(unit.size());
      for (std::size_t i = 0; i < stop && rest.ends_with(unit); ++i)
        rest.remove_suffix(unit.size());
      piece = std::string(rest);
    }
    return pieces;
  };
}

}  // namespace headlight
