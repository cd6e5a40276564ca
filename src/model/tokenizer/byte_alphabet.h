// Byte-level BPE writes every byte as one printable character, so that a vocabulary can be text.
// Source: openai/gpt-2, src/encoder.py, bytes_to_unicode.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace headlight {

/// Bytes that Latin-1 prints stand for themselves; the other 68 follow from U+0100 in order.
char32_t byte_to_char(std::uint8_t byte);
std::optional<std::uint8_t> char_to_byte(char32_t c);

/// The bytes a piece stands for. A piece with a character outside the alphabet is taken as it is.
std::string bytes_of_piece(std::string_view piece);

/// Bytes for people: UTF-8 as it is, anything else as <0xE2>.
std::string readable_bytes(std::string_view bytes);

}  // namespace headlight
