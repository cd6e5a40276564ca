#include "app/json_view.h"

#include <array>
#include <charconv>
#include <cmath>
#include <span>

#include "core/error.h"
#include "kernels/attention.h"

namespace headlight::app {
namespace {

Json json_numbers(std::span<const float> values) {
  Json out = Json::array();
  for (float value : values) out.push_back(json_number(value));
  return out;
}

}  // namespace

Json json_number(float value) {
  check(std::isfinite(value), "json", "{} is not a number JSON can hold", value);
  // The shortest decimal that reads back as this float, as a double: that is what gets printed.
  std::array<char, 32> digits;
  const auto printed = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  double decimal = 0;
  std::from_chars(digits.data(), printed.ptr, decimal);
  return decimal;
}

Json json_model(const ModelInfo& info) {
  const ModelConfig& c = info.config;
  return {{"name", info.name},
          {"family", name_of(c.family)},
          {"n_layers", c.n_layers},
          {"n_heads", c.n_heads},
          {"n_kv_heads", c.n_kv_heads},
          {"head_dim", c.head_dim},
          {"d_model", c.d_model},
          {"vocab_size", c.vocab_size},
          {"max_len", c.max_len},
          {"causal", c.causal()},
          {"parameters", info.n_parameters},
          {"tokenizer", info.tokenizer ? Json(*info.tokenizer) : Json()}};
}

Json json_tokens(const std::vector<Token>& tokens) {
  Json out = Json::array();
  for (const Token& t : tokens)
    out.push_back({{"id", t.id},
                   {"piece", t.piece},
                   {"begin", t.begin},
                   {"end", t.end},
                   {"special", t.special},
                   {"type_id", t.type_id}});
  return out;
}

Json json_rows(const Trace& trace, std::int64_t layer, std::int64_t query,
               std::optional<std::int64_t> only_head) {
  const Tensor rows = query_rows(trace, layer, query);
  const Tensor average = average_of_heads(rows);
  const std::vector<double> entropies = row_entropies(rows);
  const auto length = static_cast<std::size_t>(trace.length());
  const std::int64_t group = trace.config.n_heads / trace.config.n_kv_heads;
  Json heads = Json::array();
  for (std::int64_t h = 0; h < trace.config.n_heads; ++h) {
    if (only_head && *only_head != h) continue;
    const auto at = static_cast<std::size_t>(h);
    heads.push_back({{"head", h},
                     {"kv_head", h / group},
                     {"row", json_numbers(rows.span<float>().subspan(at * length, length))},
                     {"entropy", json_number(static_cast<float>(entropies[at]))}});
  }
  return {{"layer", layer},
          {"query", query},
          {"heads", std::move(heads)},
          {"average_of_heads", json_numbers(average.span<float>())}};
}

Json json_trace(std::string_view id, const ModelInfo& info, const Trace& trace) {
  return {{"id", id},
          {"model", json_model(info)},
          {"text", trace.text},
          {"length", trace.length()},
          {"tokens", json_tokens(trace.tokens)},
          {"attention", to_string(trace.attention)}};
}

}  // namespace headlight::app
