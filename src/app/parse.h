// Numbers and small lists as people write them in options and queries.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace headlight::app {

/// A whole decimal integer and nothing else; nothing when it is not one or does not fit.
std::optional<std::int64_t> parse_integer(std::string_view text);
/// A finite decimal number and nothing else.
std::optional<double> parse_number(std::string_view text);

/// Token ids separated by commas or white space; "@path" reads them from a file. Throws UsageError
/// naming what is not an id.
std::vector<std::int64_t> parse_ids(std::string_view text);

/// A head's gate as written: "L.H" and its value.
using GateText = std::pair<std::string, double>;
/// "L.H=0,L.H=0.5". Throws UsageError naming the part that is not one.
std::vector<GateText> parse_gates(std::string_view text);

/// Heads as `ablate` takes them: "L.H" (gate 0), "L.H=0.5", "L.*" (every head of a layer).
std::vector<GateText> parse_heads(std::string_view text);

/// "a:b", "a:", ":b" or "a" (one row) in [0, length). Nothing when it is not such a range, is empty
/// or goes past the end.
struct RowRange {
  std::int64_t begin, end;
};
std::optional<RowRange> parse_rows(std::string_view text, std::int64_t length);

}  // namespace headlight::app
