// What the parser of GGUF files and the access to their values both have to know.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>

namespace headlight::gguf {

static_assert(std::endian::native == std::endian::little, "GGUF is read in place, little-endian");

inline constexpr std::string_view kOp = "gguf";

/// Metadata types by their number in the file.
enum Type : std::uint32_t {
  u8,
  i8,
  u16,
  i16,
  u32,
  i32,
  f32,
  boolean,
  string,
  array,
  u64,
  i64,
  f64
};
struct TypeInfo {
  std::string_view name;
  std::size_t bytes;  // of one value; of the shortest for strings (their length)
};
inline constexpr std::array<TypeInfo, 13> kTypes = {{{"u8", 1},
                                                     {"i8", 1},
                                                     {"u16", 2},
                                                     {"i16", 2},
                                                     {"u32", 4},
                                                     {"i32", 4},
                                                     {"f32", 4},
                                                     {"bool", 1},
                                                     {"string", 8},
                                                     {"array", 0},
                                                     {"u64", 8},
                                                     {"i64", 8},
                                                     {"f64", 8}}};

/// Reads the front of `bytes` as T; the caller has checked that it is there.
template <class T>
T load(std::span<const std::byte> bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

inline std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// An integer of the given type, or nothing when the type is none or the value exceeds 63 bits.
std::optional<std::int64_t> integer_at(std::uint32_t type, std::span<const std::byte> bytes);

}  // namespace headlight::gguf
