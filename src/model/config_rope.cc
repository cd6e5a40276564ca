#include "model/config_rope.h"

#include <optional>
#include <string>

#include "core/error.h"
#include "kernels/rope/rope.h"
#include "kernels/rope/rope_scaling.h"
#include "model/config_limits.h"

namespace headlight {
namespace {

double positive(const JsonObject& json, std::string_view key) {
  const double value = json.number(key);
  check(value > 0, "config", "{}: {} {} must be greater than 0", json.source(), key, value);
  return value;
}

/// A base or a stretch below 1 would make frequencies grow without bound.
double at_least_one(const JsonObject& json, std::string_view key, double value) {
  check(value >= 1, "config", "{}: {} {} must be at least 1", json.source(), key, value);
  return value;
}

Llama3Scaling read_llama3(const JsonObject& json) {
  const Llama3Scaling s{.factor = at_least_one(json, "factor", json.number("factor")),
                        .low_freq_factor = positive(json, "low_freq_factor"),
                        .high_freq_factor = positive(json, "high_freq_factor"),
                        .trained_len = static_cast<double>(
                            json.integer("original_max_position_embeddings", 1, kMaxSize))};
  check(s.high_freq_factor > s.low_freq_factor, "config",
        "{}: high_freq_factor {} must be greater than low_freq_factor {}", json.source(),
        s.high_freq_factor, s.low_freq_factor);
  return s;
}

void scale(const JsonObject& json, std::vector<double>& frequencies) {
  const std::string type = json.string_or("rope_type", json.string_or("type", "default"));
  const double partial = json.number_or("partial_rotary_factor", 1);
  check(partial == 1, "config", "{}: partial_rotary_factor {} is not supported; supported: 1",
        json.source(), partial);
  if (type == "default") return;
  if (type == "llama3") return scale_llama3(frequencies, read_llama3(json));
  check(type == "linear", "config",
        "{}: rope_type \"{}\" is not supported; supported: default, linear, llama3", json.source(),
        printable(type));
  scale_linear(frequencies, at_least_one(json, "factor", json.number("factor")));
}

std::optional<JsonObject> section(const JsonObject& config, std::string_view key) {
  if (!config.has(key)) return std::nullopt;
  return JsonObject(config.at(key), config.source() + ": " + std::string(key));
}

}  // namespace

std::vector<double> read_rope_frequencies(const JsonObject& config, std::int64_t head_dim) {
  const auto parameters = section(config, "rope_parameters");
  const auto scaling = section(config, "rope_scaling");
  constexpr double kDefaultTheta = 10000;
  double theta = config.number_or("rope_theta", kDefaultTheta);
  if (parameters) theta = parameters->number_or("rope_theta", theta);
  auto frequencies = RopeTable::frequencies(head_dim, at_least_one(config, "rope_theta", theta));
  if (parameters)
    scale(*parameters, frequencies);
  else if (scaling)
    scale(*scaling, frequencies);
  return frequencies;
}

}  // namespace headlight
