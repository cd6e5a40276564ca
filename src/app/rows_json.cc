#include "app/rows_json.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <iterator>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.h"
#include "inspect/blend.h"

namespace headlight::app {
namespace {

/// The shortest decimal that brings the same float back, which JSON readers take for no integer.
void write_number(std::string& out, float value) {
  check(std::isfinite(value), "json", "{} is not a number JSON can hold", value);
  std::array<char, 32> digits;
  const auto printed = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  const std::string_view text(digits.data(), static_cast<std::size_t>(printed.ptr - digits.data()));
  out += text;
  if (text.find_first_of(".e") == text.npos) out += ".0";
}

/// [a, b, c] by write(element).
template <class Range, class Write>
void write_array(std::string& out, const Range& range, const Write& write) {
  out += '[';
  bool first = true;
  for (const auto& each : range) {
    if (!std::exchange(first, false)) out += ',';
    write(each);
  }
  out += ']';
}

void write_row(std::string& out, std::span<const float> row) {
  write_array(out, row, [&](float value) { write_number(out, value); });
}

}  // namespace

std::string rows_json(const Trace& trace, std::int64_t layer, std::int64_t query,
                      std::optional<std::int64_t> only_head) {
  const Tensor rows = query_rows(trace, layer, query);
  const Blend blend = blend_rows(rows);
  const std::vector<double> entropies = row_entropies(rows);
  const auto length = static_cast<std::size_t>(trace.length());
  const std::int64_t group = trace.config.n_heads / trace.config.n_kv_heads;
  std::string out;
  out.reserve(13 * (rows.span<float>().size() + 2 * length) + 1024);
  const auto named = [&](std::string_view before, double value) {
    out += before;
    write_number(out, static_cast<float>(value));
  };
  out += R"({"average_of_heads":)";
  write_row(out, blend.average.span<float>());
  out += R"(,"buried":)";
  write_array(out, blend.buried, [&](const BuriedToken& each) {
    named(R"({"average":)", each.average);
    fmt::format_to(std::back_inserter(out), R"(,"head":{},"token":{})", each.head, each.token);
    named(R"(,"weight":)", each.weight);
    out += '}';
  });
  named(R"(,"entropy_of_average":)", blend.entropy_of_average);
  out += R"(,"heads":)";
  std::vector<std::int64_t> heads;
  for (std::int64_t h = 0; h < trace.config.n_heads; ++h)
    if (!only_head || *only_head == h) heads.push_back(h);
  write_array(out, heads, [&](std::int64_t h) {
    const auto at = static_cast<std::size_t>(h);
    named(R"({"entropy":)", entropies[at]);
    fmt::format_to(std::back_inserter(out), R"(,"head":{},"kv_head":{},"row":)", h, h / group);
    write_row(out, rows.span<float>().subspan(at * length, length));
    out += '}';
  });
  named(R"(,"jsd":)", blend.jsd);
  fmt::format_to(std::back_inserter(out), R"(,"layer":{})", layer);
  named(R"(,"mean_of_entropies":)", blend.mean_of_entropies);
  fmt::format_to(std::back_inserter(out), R"(,"query":{},"readers":)", query);
  write_array(out, blend.readers, [&](Readers readers) {
    fmt::format_to(std::back_inserter(out), R"("{}")", name_of(readers));
  });
  out += '}';
  return out;
}

}  // namespace headlight::app
