#include "model/tokenizer/byte_alphabet.h"

#include <fmt/format.h>

#include <array>

#include "core/utf8.h"
#include "model/tokenizer/unicode.h"

namespace headlight {
namespace {

constexpr std::size_t kBytes = 256;
constexpr char32_t kFirstExtra = 0x100;

constexpr bool stands_for_itself(std::size_t byte) {
  return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte != 0xAD);
}

struct Alphabet {
  std::array<char32_t, kBytes> chars{};
  std::array<std::uint8_t, kBytes> extra_bytes{};  // of kFirstExtra, kFirstExtra + 1, ...
  std::size_t extras = 0;

  constexpr Alphabet() {
    for (std::size_t byte = 0; byte < kBytes; ++byte) {
      if (stands_for_itself(byte)) {
        chars[byte] = static_cast<char32_t>(byte);
      } else {
        chars[byte] = kFirstExtra + static_cast<char32_t>(extras);
        extra_bytes[extras++] = static_cast<std::uint8_t>(byte);
      }
    }
  }
};
constexpr Alphabet kAlphabet;

}  // namespace

char32_t byte_to_char(std::uint8_t byte) {
  return kAlphabet.chars[byte];
}

std::optional<std::uint8_t> char_to_byte(char32_t c) {
  if (c < kFirstExtra)
    return stands_for_itself(c) ? std::optional(static_cast<std::uint8_t>(c)) : std::nullopt;
  const std::size_t index = c - kFirstExtra;
  return index < kAlphabet.extras ? std::optional(kAlphabet.extra_bytes[index]) : std::nullopt;
}

std::string bytes_of_piece(std::string_view piece) {
  std::string bytes;
  for (std::size_t at = 0; at < piece.size();) {
    const auto byte = char_to_byte(next_code_point(piece, at));
    if (!byte) return std::string(piece);
    bytes += static_cast<char>(*byte);
  }
  return bytes;
}

std::string readable_bytes(std::string_view bytes) {
  std::string out;
  while (!bytes.empty()) {
    const std::size_t length = utf8_length(bytes);
    if (length == 0)
      out += fmt::format("<0x{:02X}>", static_cast<std::uint8_t>(bytes.front()));
    else
      out += bytes.substr(0, length);
    bytes.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

}  // namespace headlight
