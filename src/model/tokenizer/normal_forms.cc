// Unicode normalisation by ICU, with the source of every character kept.
#include <unicode/normalizer2.h>

#include <algorithm>

#include "core/error.h"
#include "model/tokenizer/normalizers.h"

namespace headlight {
namespace {

struct SourcedChar {
  char32_t c;
  Span from;
};

const icu::Normalizer2& instance(NormalForm form) {
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* found = nullptr;
  switch (form) {
    case NormalForm::nfc:
      found = icu::Normalizer2::getNFCInstance(error);
      break;
    case NormalForm::nfd:
      found = icu::Normalizer2::getNFDInstance(error);
      break;
    case NormalForm::nfkc:
      found = icu::Normalizer2::getNFKCInstance(error);
      break;
    case NormalForm::nfkd:
      found = icu::Normalizer2::getNFKDInstance(error);
      break;
  }
  check(U_SUCCESS(error) && found != nullptr, "tokenizer", "ICU has no normalisation data: {}",
        u_errorName(error));
  return *found;
}

template <class Visit>
void each_code_point(const icu::UnicodeString& text, Visit&& visit) {
  for (std::int32_t at = 0; at < text.length(); at = text.moveIndex32(at, 1))
    visit(static_cast<char32_t>(text.char32At(at)));
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c & 0x80) == 0; });
}

bool is_normal(const icu::Normalizer2& form, std::string_view text) {
  UErrorCode error = U_ZERO_ERROR;
  const bool normal =
      form.isNormalizedUTF8({text.data(), static_cast<std::int32_t>(text.size())}, error);
  return U_SUCCESS(error) && normal;
}

/// NFD and NFKD: every character by itself, then marks in canonical order. A part's source is the
/// character it is part of.
AlignedText decompose(const icu::Normalizer2& form, const AlignedText& in) {
  std::vector<SourcedChar> chars;
  chars.reserve(in.size());
  icu::UnicodeString parts;
  in.each([&](char32_t c, Span from) {
    if (c >= 0x80 && form.getDecomposition(static_cast<UChar32>(c), parts))
      each_code_point(parts, [&](char32_t part) { chars.push_back({part, from}); });
    else
      chars.push_back({c, from});
  });
  const auto combining = [&](const SourcedChar& x) {
    return x.c < 0x300 ? std::uint8_t{0} : form.getCombiningClass(static_cast<UChar32>(x.c));
  };
  const auto is_starter = [&](const SourcedChar& x) { return combining(x) == 0; };
  for (auto at = chars.begin(); at != chars.end();) {
    at = std::find_if_not(at, chars.end(), is_starter);
    const auto end = std::find_if(at, chars.end(), is_starter);
    if (end - at > 1)
      std::stable_sort(at, end, [&](const SourcedChar& a, const SourcedChar& b) {
        return combining(a) < combining(b);
      });
    at = end;
  }
  AlignedText out;
  for (const SourcedChar& x : chars) out.append(x.c, x.from);
  return out;
}

/// One stretch of text that normalises by itself.
void compose_stretch(const icu::Normalizer2& form, const AlignedText& in, Span range,
                     AlignedText& out) {
  UErrorCode error = U_ZERO_ERROR;
  const std::string_view text = in.text(range);
  if (is_ascii(text)) return out.append(in, range);
  const auto before =
      icu::UnicodeString::fromUTF8({text.data(), static_cast<std::int32_t>(text.size())});
  const icu::UnicodeString after = form.normalize(before, error);
  check(U_SUCCESS(error), "tokenizer", "ICU cannot normalise the text: {}", u_errorName(error));
  if (after == before) return out.append(in, range);
  const Span from = in.source(range);
  each_code_point(after, [&](char32_t c) { out.append(c, from); });
}

/// NFC and NFKC.
AlignedText compose(const icu::Normalizer2& form, const AlignedText& in) {
  AlignedText out;
  std::uint32_t begin = 0;
  for (std::size_t at = 0; at < in.size();) {
    const auto here = static_cast<std::uint32_t>(at);
    const auto c = static_cast<UChar32>(next_code_point(in.text(), at));
    if (here == begin || !form.hasBoundaryBefore(c)) continue;
    compose_stretch(form, in, {begin, here}, out);
    begin = here;
  }
  if (begin < in.size()) compose_stretch(form, in, {begin, in.size()}, out);
  return out;
}

}  // namespace

Normalizer normalize_form(NormalForm form) {
  const icu::Normalizer2& icu_form = instance(form);
  const bool composes = form == NormalForm::nfc || form == NormalForm::nfkc;
  return [&icu_form, composes](const AlignedText& in) {
    if (is_ascii(in.text()) || is_normal(icu_form, in.text())) return in;
    return composes ? compose(icu_form, in) : decompose(icu_form, in);
  };
}

}  // namespace headlight
