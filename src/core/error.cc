#include "core/error.h"

#include <cstdint>

#include "core/utf8.h"

namespace headlight {
std::string printable(std::string_view text, std::size_t limit) {
  std::string out;
  while (!text.empty()) {
    if (out.size() >= limit) return out + "...";
    const auto first = static_cast<std::uint8_t>(text.front());
    const std::size_t length = utf8_length(text);
    if (length == 0 || first < 0x20 || first == 0x7F) {
      out += fmt::format("\\x{:02x}", first);
      text.remove_prefix(1);
    } else {
      out += text.substr(0, length);
      text.remove_prefix(length);
    }
  }
  return out;
}

}  // namespace headlight
