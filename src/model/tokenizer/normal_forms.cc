// Unicode normalisation by ICU, with the source of every character kept.
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>

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

/// NFD and NFKD: every character by itself, then marks in canonical order. A part's source is the
/// character it is part of.
std::vector<SourcedChar> decompose(const icu::Normalizer2& form, const AlignedText& in,
                                   Span range) {
  std::vector<SourcedChar> chars;
  chars.reserve(range.size());
  icu::UnicodeString parts;
  in.each(range, [&](char32_t c, Span from) {
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
  return chars;
}

/// The two forms of one kind of equivalence, canonical or compatible.
struct Forms {
  const icu::Normalizer2& composed;
  const icu::Normalizer2& decomposed;
  UProperty quick_check;  // of the composed form
};

/// One character that normalises by itself to itself.
bool is_normal_alone(const Forms& forms, std::string_view text) {
  std::size_t at = 0;
  const auto c = static_cast<UChar32>(next_code_point(text, at));
  return at == text.size() && u_getIntPropertyValue(c, forms.quick_check) == UNORM_YES;
}

/// One stretch of text that normalises by itself. ICU is given it decomposed, because its own
/// ordering of marks, quick checks included, takes quadratic time.
void compose_stretch(const Forms& forms, const AlignedText& in, Span range, AlignedText& out) {
  const std::string_view text = in.text(range);
  if (is_ascii(text) || is_normal_alone(forms, text)) return out.append(in, range);
  icu::UnicodeString ordered;
  for (const SourcedChar& x : decompose(forms.decomposed, in, range))
    ordered.append(static_cast<UChar32>(x.c));
  UErrorCode error = U_ZERO_ERROR;
  const icu::UnicodeString composed = forms.composed.normalize(ordered, error);
  check(U_SUCCESS(error), "tokenizer", "ICU cannot normalise the text: {}", u_errorName(error));
  std::string after;
  composed.toUTF8String(after);
  if (after == text) return out.append(in, range);
  out.append(after, in.source(range));
}

/// NFC and NFKC.
AlignedText compose(const Forms& forms, const AlignedText& in) {
  AlignedText out;
  std::uint32_t begin = 0;
  for (std::size_t at = 0; at < in.size();) {
    const auto here = static_cast<std::uint32_t>(at);
    const auto c = static_cast<UChar32>(next_code_point(in.text(), at));
    if (here == begin || !forms.composed.hasBoundaryBefore(c)) continue;
    compose_stretch(forms, in, {begin, here}, out);
    begin = here;
  }
  if (begin < in.size()) compose_stretch(forms, in, {begin, in.size()}, out);
  return out;
}

}  // namespace

Normalizer normalize_form(NormalForm form) {
  const bool composes = form == NormalForm::nfc || form == NormalForm::nfkc;
  const bool compatible = form == NormalForm::nfkc || form == NormalForm::nfkd;
  const Forms forms{instance(compatible ? NormalForm::nfkc : NormalForm::nfc),
                    instance(compatible ? NormalForm::nfkd : NormalForm::nfd),
                    compatible ? UCHAR_NFKC_QUICK_CHECK : UCHAR_NFC_QUICK_CHECK};
  return [forms, composes](const AlignedText& in) {
    if (is_ascii(in.text())) return in;
    if (composes) return compose(forms, in);
    AlignedText out;
    for (const SourcedChar& x : decompose(forms.decomposed, in, {0, in.size()}))
      out.append(x.c, x.from);
    return out;
  };
}

}  // namespace headlight
