#include "model/tokenizer/charsmap.h"

#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>

#include "core/error.h"

namespace headlight {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::uint64_t kNormalizerSpec = 3;
constexpr std::uint64_t kDenormalizerSpec = 5;
constexpr std::uint64_t kPrecompiledCharsmap = 2;
constexpr std::size_t kUnitBytes = 4;

/// A field of a protocol buffer message; `bytes` only for length-delimited ones.
struct Field {
  std::uint64_t number = 0;
  std::string_view bytes;
};

std::optional<std::uint64_t> take_varint(std::string_view& rest) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && !rest.empty(); shift += 7) {
    const auto byte = static_cast<std::uint8_t>(rest.front());
    rest.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

/// The next field, or nothing at the end and where the message is damaged.
std::optional<Field> take_field(std::string_view& rest) {
  const auto tag = take_varint(rest);
  if (!tag) return std::nullopt;
  const auto wire_type = *tag & 7;
  std::optional<std::uint64_t> size = 0;
  if (wire_type == 0 && !take_varint(rest)) return std::nullopt;
  if (wire_type == 1) size = 8;
  if (wire_type == 2) size = take_varint(rest);
  if (wire_type == 5) size = 4;
  if (!size || *size > rest.size() || (wire_type > 2 && wire_type != 5)) return std::nullopt;
  const Field field{*tag >> 3, rest.substr(0, wire_type == 2 ? *size : 0)};
  rest.remove_prefix(*size);
  return field;
}

/// One unit of a double array, as darts-clone packs it (s-yata/darts-clone, darts.h).
struct Unit {
  std::uint32_t bits;

  bool is_value() const { return bits >> 31 != 0; }
  bool has_value() const { return (bits >> 8 & 1) != 0; }
  std::uint32_t value() const { return bits & 0x7FFFFFFF; }
  std::uint32_t offset() const { return bits >> 10 << ((bits & 1u << 9) >> 6); }
};

Unit unit_at(std::string_view trie, std::size_t index) {
  Unit unit;
  std::memcpy(&unit.bits, trie.data() + index * kUnitBytes, kUnitBytes);
  return unit;
}

/// A lookup goes from unit i to (i ^ offset) ^ byte, and reads a value at i ^ offset: every unit
/// that can be followed must keep both inside, for each byte there is.
bool leads_inside(std::string_view trie, std::string_view texts) {
  const std::size_t units = trie.size() / kUnitBytes;
  for (std::size_t i = 0; i < units; ++i) {
    const Unit unit = unit_at(trie, i);
    if (unit.is_value()) continue;
    const std::size_t base = i ^ unit.offset();
    if ((base | 0xFF) >= units) return false;
    if (unit.has_value() && unit_at(trie, base).value() >= texts.size()) return false;
  }
  return true;
}

void check_charsmap(std::string_view map, const std::string& source) {
  if (map.empty()) return;
  std::uint32_t trie_bytes = 0;
  const bool has_size = map.size() > sizeof(trie_bytes);
  if (has_size) std::memcpy(&trie_bytes, map.data(), sizeof(trie_bytes));
  const std::string_view rest = map.substr(has_size ? sizeof(trie_bytes) : map.size());
  const bool whole = has_size && trie_bytes > 0 && trie_bytes < rest.size() &&
                     trie_bytes % kUnitBytes == 0 && rest.back() == '\0';
  check(whole && leads_inside(rest.substr(0, trie_bytes), rest.substr(trie_bytes)), "tokenizer",
        "{}: the normaliser's precompiled_charsmap of {} bytes is damaged", source, map.size());
}

}  // namespace

void check_charsmaps(std::string_view model, const std::string& source) {
  while (const auto field = take_field(model)) {
    if (field->number != kNormalizerSpec && field->number != kDenormalizerSpec) continue;
    std::string_view spec = field->bytes;
    while (const auto setting = take_field(spec))
      if (setting->number == kPrecompiledCharsmap) check_charsmap(setting->bytes, source);
  }
}

}  // namespace headlight
