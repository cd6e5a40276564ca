#include "app/lab_request.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <initializer_list>
#include <limits>

#include "app/errors.h"
#include "app/parse.h"
#include "io/json.h"

namespace headlight::app {
namespace {

constexpr std::string_view kBody = "request body";

std::vector<std::int64_t> read_ids(const Json& json, std::string_view field) {
  check(json.is_array() && !json.empty(), "request", "\"{}\" must be an array of token ids", field);
  std::vector<std::int64_t> ids;
  for (const Json& id : json) {
    const bool fits =
        id.is_number_integer() && !(id.is_number_unsigned() && id.get<std::uint64_t>() > INT64_MAX);
    check(fits, "request", "\"{}\" holds {} at position {}, which is not a token id", field,
          printable(id.dump(), 40), ids.size());
    ids.push_back(id.get<std::int64_t>());
  }
  return ids;
}

std::map<std::string, double> read_gates(const Json& json, std::string_view field) {
  check(json.is_object(), "request", "\"{}\" must be an object, as in {{\"1.0\": 0}}", field);
  std::map<std::string, double> gates;
  for (const auto& [name, value] : json.items()) {
    check(value.is_number(), "request", "the gate of head \"{}\" is not a number", printable(name));
    gates[name] = value.get<double>();
  }
  return gates;
}

TraceRequest read_checked(std::string_view body) {
  const Json json = parse_json(body, kBody);
  const JsonObject fields(json, std::string(kBody));
  check_keys(json, {"model", "text", "pair", "ids", "gates", "long", "past_max_len"});
  TraceRequest request;
  request.model = fields.string("model");
  check(fields.has("text") != fields.has("ids"), "request", "give either \"text\" or \"ids\"");
  request.input.text = fields.string_or("text", "");
  request.input.pair = fields.string_or("pair", "");
  if (fields.has("ids")) request.input.ids = read_ids(fields.at("ids"), "ids");
  check(request.input.ids.empty() || request.input.pair.empty(), "request",
        "\"pair\" goes with \"text\", not with \"ids\"");
  if (fields.has("gates")) request.gates = read_gates(fields.at("gates"), "gates");
  request.is_long = fields.boolean_or("long", false);
  request.past_max_len = fields.boolean_or("past_max_len", false);
  check(request.is_long || !request.past_max_len, "request",
        "\"past_max_len\" goes with \"long\": true");
  check(!request.is_long || request.gates.empty(), "request",
        "\"gates\" do not go with \"long\": true");
  return request;
}

/// A text, or token ids.
Input read_other(const Json& json) {
  Input input;
  if (json.is_string())
    input.text = json.get<std::string>();
  else
    input.ids = read_ids(json, "other");
  return input;
}

PostedAblation read_checked_ablation(std::string_view body) {
  const Json json = parse_json(body, kBody);
  const JsonObject fields(json, std::string(kBody));
  check_keys(json, {"trace", "heads", "how", "other", "query", "layer"});
  PostedAblation posted;
  posted.trace = fields.string("trace");
  for (auto& [name, gate] : read_gates(fields.at("heads"), "heads"))
    posted.request.heads.emplace_back(name, gate);
  const std::string how = fields.string_or("how", "zero");
  const auto replacement = parse_replacement(how);
  check(replacement.has_value(), "request", "\"how\" is \"{}\"; known are zero, mean and resample",
        printable(how));
  posted.request.replacement = *replacement;
  const bool resample = *replacement == Replacement::resample;
  check(fields.has("other") == resample, "request",
        "\"other\", a text or token ids, goes with \"how\": \"resample\" and is needed there");
  if (resample) posted.request.other = read_other(fields.at("other"));
  const auto index = [&](std::string_view key) -> std::optional<std::int64_t> {
    if (!fields.has(key)) return std::nullopt;
    return fields.integer(key, 0, std::numeric_limits<std::int32_t>::max());
  };
  posted.request.query = index("query");
  posted.request.layer = index("layer");
  return posted;
}

}  // namespace

void check_keys(const Json& json, std::initializer_list<std::string_view> known) {
  for (const auto& [key, value] : json.items())
    check(std::ranges::find(known, key) != known.end(), "request",
          "unknown field \"{}\"; known are {}", printable(key), fmt::join(known, ", "));
}

TraceRequest read_trace_request(std::string_view body) {
  return as_request([&] { return read_checked(body); });
}

PostedAblation read_ablation_request(std::string_view body) {
  return as_request([&] { return read_checked_ablation(body); });
}

std::int64_t integer_parameter(const LabRequest& request, std::string_view name, std::int64_t least,
                               std::int64_t most) {
  const auto it = request.query.find(name);
  check_request(it != request.query.end(), "request", "the parameter \"{}\" is missing", name);
  const auto value = parse_integer(it->second);
  const bool ok = value.has_value() && *value >= least && *value <= most;
  check_request(ok, "request", "{} \"{}\" is not an integer from {} to {}", name,
                printable(it->second, 40), least, most);
  return *value;
}

std::int64_t index_parameter(const LabRequest& request, std::string_view name, std::int64_t count) {
  return integer_parameter(request, name, 0, count - 1);
}

}  // namespace headlight::app
