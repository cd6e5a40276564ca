// Which bytes are UTF-8 (Unicode 15, table 3-7); text itself is left to libraries.
#pragma once

#include <cstddef>
#include <string_view>

namespace headlight {

/// Length of the valid UTF-8 sequence at the front of `text`, or 0. Overlong forms, surrogates and
/// code points past U+10FFFF are invalid. `text` must not be empty.
std::size_t utf8_length(std::string_view text);

/// True when the whole of `text` is valid UTF-8.
bool is_utf8(std::string_view text);

}  // namespace headlight
