// Code points and their properties. The properties are ICU's; this file only names the questions
// that tokenizers ask.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace headlight {

/// Throws, naming the first byte that is not part of valid UTF-8 and `what` it belongs to.
void check_utf8(std::string_view text, std::string_view what);

/// The code point at `at`, which moves past it. `text` must be valid UTF-8.
char32_t next_code_point(std::string_view text, std::size_t& at);
void append_utf8(std::string& out, char32_t c);
/// Invalid sequences become U+FFFD, one for each maximal subpart (Unicode 15, section 3.9).
std::string lossy_utf8(std::string_view bytes);
std::size_t count_code_points(std::string_view text);

bool is_white_space(char32_t c);      ///< White_Space
bool is_punctuation(char32_t c);      ///< ASCII punctuation and symbols, or category P
bool is_mark(char32_t c);             ///< category M
bool is_nonspacing_mark(char32_t c);  ///< category Mn
bool is_control(char32_t c);          ///< categories Cc, Cf and Co, as BERT cleans text
bool is_numeric(char32_t c);          ///< category N
bool is_word_char(char32_t c);        ///< \w of Unicode Technical Standard 18, annex C
bool is_cjk_ideograph(char32_t c);    ///< in a block of unified or compatibility ideographs

/// The full lower case of one code point, without context.
std::u32string lower_case(char32_t c);

}  // namespace headlight
