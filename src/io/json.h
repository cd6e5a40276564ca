// JSON from outside: parsed with bounds, read with messages that name file and key.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace headlight {

using Json = nlohmann::json;

/// Parses UTF-8 JSON text. Refuses invalid UTF-8, duplicate keys, trailing text and nesting past 64
/// levels, with an Error that names `source` and the byte offset.
Json parse_json(std::string_view text, std::string_view source);
Json read_json_file(const std::filesystem::path& path, std::size_t limit = 256u << 20);

/// Typed access to the keys of one JSON object; every failure names the source and the key.
class JsonObject {
 public:
  JsonObject(const Json& value, std::string source);

  bool has(std::string_view key) const;  ///< present and not null
  const Json& at(std::string_view key) const;
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
  const Json* value_;
  std::string source_;
};

}  // namespace headlight
