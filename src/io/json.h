// JSON from outside: parsed with bounds, read with messages that name file and key.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "core/folder.h"

namespace headlight {

using Json = nlohmann::json;

/// Parses UTF-8 JSON text. Refuses invalid UTF-8, duplicate keys, trailing text and nesting past 64
/// levels, with an Error that names `source` and the place (line and column, or the key).
Json parse_json(std::string_view text, std::string_view source);
Json read_json_file(const std::filesystem::path& path, std::size_t limit = kMostText);
Json read_json_file(const Folder& folder, std::string_view name, std::size_t limit = kMostText);

/// What a message shows for a value of the wrong kind: `"text"`, `3.5`, `null`, `an array`.
std::string describe(const Json& value);

/// Typed access to the keys of one JSON object; every failure names the source and the key.
/// Refers to the value it was made from, which must outlive it.
class JsonObject {
 public:
  /// Throws when `value` is not an object.
  JsonObject(const Json& value, std::string source);

  bool has(std::string_view key) const;  ///< present and not null
  const Json& at(std::string_view key) const;
  /// An integer in [least, most]. A number written as 3.0 is not an integer.
  std::int64_t integer(std::string_view key, std::int64_t least, std::int64_t most) const;
  double number(std::string_view key) const;  ///< finite
  bool boolean(std::string_view key) const;
  std::string string(std::string_view key) const;
  // The same with a fallback for an absent or null key; a wrong type still throws.
  std::int64_t integer_or(std::string_view key, std::int64_t fallback, std::int64_t least,
                          std::int64_t most) const;
  double number_or(std::string_view key, double fallback) const;
  bool boolean_or(std::string_view key, bool fallback) const;
  std::string string_or(std::string_view key, std::string_view fallback) const;

  const std::string& source() const { return source_; }

 private:
  [[noreturn]] void refuse(std::string_view key, std::string_view wanted, const Json& got) const;

  const Json* value_;
  std::string source_;
};

}  // namespace headlight
