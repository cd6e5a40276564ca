// How the components of a tokenizer.json are told apart: a table from "type" to a reader.
#pragma once

#include <fmt/ranges.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "io/json.h"
#include "model/tokenizer/pattern.h"
#include "model/tokenizer/pre_tokenizers.h"

namespace headlight {

template <class T>
struct ComponentReader {
  std::string_view type;
  T (*read)(const JsonObject& settings);
};

/// Reads one component by the table; `what` is its place, e.g. "normalizer".
template <class T>
T read_by_type(const Json& value, const std::string& source, std::string_view what,
               std::span<const ComponentReader<T>> table) {
  const JsonObject settings(value, fmt::format("{}: {}", source, what));
  const std::string type = settings.string("type");
  std::vector<std::string_view> known;
  for (const ComponentReader<T>& reader : table) {
    if (reader.type == type) return reader.read(settings);
    known.push_back(reader.type);
  }
  fail("tokenizer", "{}: the {} \"{}\" is not supported; supported: {}", printable(source, 400),
       what, printable(type), fmt::join(known, ", "));
}

/// Reads every element of the array `key` with read(element, source).
template <class Read>
auto read_steps(const JsonObject& settings, std::string_view key, Read&& read) {
  const Json& list = settings.at(key);
  check(list.is_array(), "tokenizer", "{}: \"{}\" must be an array, got {}", settings.source(), key,
        describe(list));
  std::vector<decltype(read(list, settings.source()))> steps;
  for (const Json& step : list) steps.push_back(read(step, settings.source()));
  return steps;
}

/// {"String": "..."} or {"Regex": "..."} under "pattern".
Pattern read_pattern(const JsonObject& settings);
SplitBehavior read_behavior(const JsonObject& settings, std::string_view fallback);
PrependScheme read_prepend_scheme(const JsonObject& settings);
/// A setting that is one character.
char32_t read_character(const JsonObject& settings, std::string_view key);

}  // namespace headlight
