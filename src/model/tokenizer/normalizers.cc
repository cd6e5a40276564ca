#include "model/tokenizer/normalizers.h"

#include <utility>

namespace headlight {
namespace {

/// Keeps the characters that `keep` says yes to.
template <class Keep>
AlignedText filter(const AlignedText& in, Keep&& keep) {
  AlignedText out;
  in.each([&](char32_t c, Span from) {
    if (keep(c)) out.append(c, from);
  });
  return out;
}

AlignedText clean(const AlignedText& in) {
  AlignedText out;
  in.each([&](char32_t c, Span from) {
    const bool space = is_white_space(c);
    const bool line = c == '\t' || c == '\n' || c == '\r';
    if (!line && (c == 0 || c == U'\uFFFD' || is_control(c))) return;
    out.append(space ? U' ' : c, from);
  });
  return out;
}

AlignedText space_ideographs(const AlignedText& in) {
  AlignedText out;
  in.each([&](char32_t c, Span from) {
    const bool ideograph = is_cjk_ideograph(c);
    if (ideograph) out.append(U' ', {from.begin, from.begin});
    out.append(c, from);
    if (ideograph) out.append(U' ', {from.end, from.end});
  });
  return out;
}

AlignedText lowercase(const AlignedText& in) {
  AlignedText out;
  in.each([&](char32_t c, Span from) {
    for (const char32_t lower : lower_case(c)) out.append(lower, from);
  });
  return out;
}

}  // namespace

Normalizer normalize_sequence(std::vector<Normalizer> steps) {
  return [steps = std::move(steps)](const AlignedText& in) {
    AlignedText out = in;
    for (const Normalizer& step : steps) out = step(out);
    return out;
  };
}

Normalizer normalize_lowercase() {
  return lowercase;
}

Normalizer normalize_strip_accents() {
  return [](const AlignedText& in) { return filter(in, [](char32_t c) { return !is_mark(c); }); };
}

Normalizer normalize_strip(bool left, bool right) {
  return [left, right](const AlignedText& in) {
    std::uint32_t first = in.size();  // where the first character that is no white space begins
    std::uint32_t last = 0;           // where the last one ends
    for (std::size_t at = 0; at < in.size();) {
      const auto begin = static_cast<std::uint32_t>(at);
      if (is_white_space(next_code_point(in.text(), at))) continue;
      first = std::min(first, begin);
      last = static_cast<std::uint32_t>(at);
    }
    const Span kept{left ? first : 0, right ? last : in.size()};
    return kept.begin < kept.end ? in.slice(kept) : AlignedText();
  };
}

Normalizer normalize_prepend(std::string prefix) {
  return [prefix = std::move(prefix)](const AlignedText& in) {
    if (in.empty()) return in;
    const std::uint32_t begin = in.source({0, 1}).begin;
    AlignedText out;
    out.append(prefix, Span{begin, begin});
    out.append(in, {0, in.size()});
    return out;
  };
}

Normalizer normalize_replace(Pattern pattern, std::string content) {
  return [pattern = std::move(pattern), content = std::move(content)](const AlignedText& in) {
    AlignedText out;
    std::uint32_t done = 0;
    for (const Span match : pattern.find_all(in.text())) {
      out.append(in, {done, match.begin});
      out.append(content, in.source(match));
      done = match.end;
    }
    out.append(in, {done, in.size()});
    return out;
  };
}

Normalizer normalize_bert(const BertOptions& options) {
  std::vector<Normalizer> steps;
  if (options.clean_text) steps.emplace_back(clean);
  if (options.handle_chinese_chars) steps.emplace_back(space_ideographs);
  if (options.strip_accents.value_or(options.lowercase)) {
    steps.push_back(normalize_form(NormalForm::nfd));
    steps.emplace_back([](const AlignedText& in) {
      return filter(in, [](char32_t c) { return !is_nonspacing_mark(c); });
    });
  }
  if (options.lowercase) steps.emplace_back(lowercase);
  return normalize_sequence(std::move(steps));
}

}  // namespace headlight
