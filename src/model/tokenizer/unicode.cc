#include "model/tokenizer/unicode.h"

#include <unicode/locid.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/ustring.h>
#include <unicode/utf8.h>

#include <array>

#include "core/error.h"
#include "core/utf8.h"

namespace headlight {
namespace {

bool is_ascii(char32_t c) {
  return c < 0x80;
}
bool is_ascii_alphanumeric(char32_t c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}
std::uint32_t category_mask(char32_t c) {
  return U_GET_GC_MASK(static_cast<UChar32>(c));
}

}  // namespace

void check_utf8(std::string_view text, std::string_view what) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text.substr(at));
    check(length > 0, "tokenizer", "{} is not UTF-8: byte {} is 0x{:02x}", what, at,
          static_cast<std::uint8_t>(text[at]));
    at += length;
  }
}

char32_t next_code_point(std::string_view text, std::size_t& at) {
  const auto first = static_cast<std::uint8_t>(text[at]);
  if (first < 0x80) {
    ++at;
    return first;
  }
  UChar32 c = 0;
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(text.data());
  U8_NEXT_UNSAFE(bytes, at, c);
  return static_cast<char32_t>(c);
}

void append_utf8(std::string& out, char32_t c) {
  std::array<char, U8_MAX_LENGTH> bytes{};
  std::size_t length = 0;
  U8_APPEND_UNSAFE(bytes.data(), length, static_cast<UChar32>(c));
  out.append(bytes.data(), length);
}

std::string lossy_utf8(std::string_view bytes) {
  if (is_utf8(bytes)) return std::string(bytes);
  std::string out;
  icu::UnicodeString::fromUTF8({bytes.data(), static_cast<std::int32_t>(bytes.size())})
      .toUTF8String(out);
  return out;
}

std::size_t count_code_points(std::string_view text) {
  std::size_t count = 0;
  for (const char byte : text) count += !U8_IS_TRAIL(byte);
  return count;
}

bool is_white_space(char32_t c) {
  if (is_ascii(c)) return c == ' ' || (c >= '\t' && c <= '\r');
  return u_isUWhiteSpace(static_cast<UChar32>(c));
}

bool is_punctuation(char32_t c) {
  if (is_ascii(c)) return c > ' ' && c < 0x7F && !is_ascii_alphanumeric(c);
  return (category_mask(c) & U_GC_P_MASK) != 0;
}

bool is_mark(char32_t c) {
  return !is_ascii(c) && (category_mask(c) & U_GC_M_MASK) != 0;
}

bool is_nonspacing_mark(char32_t c) {
  return !is_ascii(c) && (category_mask(c) & U_GC_MN_MASK) != 0;
}

bool is_control(char32_t c) {
  if (is_ascii(c)) return c < ' ' || c == 0x7F;
  return (category_mask(c) & (U_GC_CC_MASK | U_GC_CF_MASK | U_GC_CO_MASK)) != 0;
}

bool is_numeric(char32_t c) {
  if (is_ascii(c)) return c >= '0' && c <= '9';
  return (category_mask(c) & U_GC_N_MASK) != 0;
}

bool is_word_char(char32_t c) {
  if (is_ascii(c)) return is_ascii_alphanumeric(c) || c == '_';
  return (category_mask(c) & (U_GC_M_MASK | U_GC_ND_MASK | U_GC_PC_MASK)) != 0 ||
         u_isUAlphabetic(static_cast<UChar32>(c)) ||
         u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_JOIN_CONTROL);
}

bool is_cjk_ideograph(char32_t c) {
  if (c < 0x3400) return false;
  switch (ublock_getCode(static_cast<UChar32>(c))) {
    case UBLOCK_CJK_UNIFIED_IDEOGRAPHS:
    case UBLOCK_CJK_UNIFIED_IDEOGRAPHS_EXTENSION_A:
    case UBLOCK_CJK_UNIFIED_IDEOGRAPHS_EXTENSION_B:
    case UBLOCK_CJK_UNIFIED_IDEOGRAPHS_EXTENSION_C:
    case UBLOCK_CJK_UNIFIED_IDEOGRAPHS_EXTENSION_D:
    case UBLOCK_CJK_UNIFIED_IDEOGRAPHS_EXTENSION_E:
    case UBLOCK_CJK_COMPATIBILITY_IDEOGRAPHS:
    case UBLOCK_CJK_COMPATIBILITY_IDEOGRAPHS_SUPPLEMENT:
      return true;
    default:
      return false;
  }
}

std::u32string lower_case(char32_t c) {
  if (is_ascii(c)) return {c >= 'A' && c <= 'Z' ? c + 32 : c};
  icu::UnicodeString text(static_cast<UChar32>(c));
  text.toLower(icu::Locale::getRoot());
  std::u32string out;
  for (std::int32_t at = 0; at < text.length(); at = text.moveIndex32(at, 1))
    out += static_cast<char32_t>(text.char32At(at));
  return out;
}

}  // namespace headlight
