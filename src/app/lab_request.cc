#include "app/lab_request.h"

#include <algorithm>
#include <array>

#include "app/errors.h"
#include "app/parse.h"
#include "io/json.h"

namespace headlight::app {
namespace {

constexpr std::string_view kBody = "request body";

void check_keys(const Json& json) {
  constexpr std::array<std::string_view, 5> kKnown = {"model", "text", "pair", "ids", "gates"};
  for (const auto& [key, value] : json.items())
    check(std::ranges::find(kKnown, key) != kKnown.end(), "request",
          "unknown field \"{}\"; known are model, text, pair, ids and gates", printable(key));
}

std::vector<std::int64_t> read_ids(const Json& json) {
  check(json.is_array() && !json.empty(), "request", "\"ids\" must be an array of token ids");
  std::vector<std::int64_t> ids;
  for (const Json& id : json) {
    const bool fits =
        id.is_number_integer() && !(id.is_number_unsigned() && id.get<std::uint64_t>() > INT64_MAX);
    check(fits, "request", "\"ids\" holds {} at position {}, which is not a token id",
          printable(id.dump(), 40), ids.size());
    ids.push_back(id.get<std::int64_t>());
  }
  return ids;
}

std::map<std::string, double> read_gates(const Json& json) {
  check(json.is_object(), "request", "\"gates\" must be an object, as in {{\"1.0\": 0}}");
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
  check_keys(json);
  TraceRequest request;
  request.model = fields.string("model");
  check(fields.has("text") != fields.has("ids"), "request", "give either \"text\" or \"ids\"");
  request.input.text = fields.string_or("text", "");
  request.input.pair = fields.string_or("pair", "");
  if (fields.has("ids")) request.input.ids = read_ids(fields.at("ids"));
  check(request.input.ids.empty() || request.input.pair.empty(), "request",
        "\"pair\" goes with \"text\", not with \"ids\"");
  if (fields.has("gates")) request.gates = read_gates(fields.at("gates"));
  return request;
}

}  // namespace

TraceRequest read_trace_request(std::string_view body) {
  return as_request([&] { return read_checked(body); });
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
