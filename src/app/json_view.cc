#include "app/json_view.h"

#include <array>
#include <charconv>
#include <cmath>
#include <span>

#include "app/built_in_files.h"
#include "app/model_records.h"
#include "app/rows_json.h"
#include "core/error.h"
#include "inspect/ablation_effect.h"
#include "kernels/attention/attention.h"

namespace headlight::app {
namespace {

/// The sources' AddedVectors: how each one's vector lies to the output.
Json json_sources(const Tensor& sources, const Concat& concat) {
  Json out = Json::array();
  const auto width = static_cast<std::size_t>(sources.dim(1));
  for (std::size_t at = 0; at < sources.span<float>().size(); at += width)
    out.push_back(json_added(
        added_vector(sources.span<float>().subspan(at, width), concat.out.span<float>())));
  return out;
}

}  // namespace

Json json_numbers(std::span<const float> values) {
  Json out = Json::array();
  for (float value : values) out.push_back(json_number(value));
  return out;
}

Json json_number(float value) {
  check(std::isfinite(value), "json", "{} is not a number JSON can hold", value);
  // The shortest decimal that reads back as this float, as a double: that is what gets printed.
  std::array<char, 32> digits;
  const auto printed = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  double decimal = 0;
  std::from_chars(digits.data(), printed.ptr, decimal);
  return decimal;
}

Json json_number(double value) {
  return json_number(static_cast<float>(value));
}

Json json_model(const ModelInfo& info) {
  const ModelConfig& c = info.config;
  const auto twin = single_head_twin(info);
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
          {"tokenizer", info.tokenizer ? Json(*info.tokenizer) : Json()},
          {"records", records_of(info)},
          {"single_head_twin", twin ? Json(*twin) : Json()}};
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
  return Json::parse(rows_json(trace, layer, query, only_head));
}

Json json_added(const AddedVector& added) {
  return {{"norm", json_number(added.norm)},
          {"cosine", json_number(added.cosine)},
          {"share", json_number(added.share)}};
}

Json json_concat(const Transformer& model, const Trace& trace, std::int64_t layer,
                 std::int64_t query) {
  const ModelConfig& c = trace.config;
  const Concat concat = concat_at(model, trace, layer, query);
  const Tensor sources = source_contributions(model, trace, layer, query);
  Json heads = Json::array();
  for (std::int64_t h = 0; h < c.n_heads; ++h) {
    const auto row = [h](const Tensor& of) {
      const auto width = static_cast<std::size_t>(of.dim(1));
      return json_numbers(of.span<float>().subspan(static_cast<std::size_t>(h) * width, width));
    };
    Json head = json_added(concat.heads[static_cast<std::size_t>(h)]);
    head["head"] = h;
    head["kv_head"] = h * c.n_kv_heads / c.n_heads;
    head["z"] = row(concat.z);
    head["head_out"] = row(concat.head_out);
    heads.push_back(std::move(head));
  }
  Json b_o;  // null when the model has none
  if (const TensorView vector = model.b_o(layer)) {
    b_o = json_added(concat.b_o);
    b_o["vector"] = json_numbers({vector.as<float>(), static_cast<std::size_t>(vector.numel())});
  }
  const auto out = concat.out.span<float>();
  return {{"layer", layer},
          {"query", query},
          {"heads", std::move(heads)},
          {"b_o", std::move(b_o)},
          {"out", json_numbers(out)},
          {"norm", json_number(vector_change(out, out).norm_before)},
          {"sources", json_sources(sources, concat)}};
}

Json json_kernels(const AttentionReport& report) {
  Json declined = Json::array();
  for (const auto& [kernel, reason] : report.declined)
    declined.push_back({{"kernel", kernel}, {"reason", reason}});
  return {{"ran", report.kernel}, {"isa", report.isa}, {"declined", std::move(declined)}};
}

Json json_trace(std::string_view id, const ModelInfo& info, const Trace& trace) {
  return {{"id", id},
          {"model", json_model(info)},
          {"text", trace.text},
          {"length", trace.length()},
          {"tokens", json_tokens(trace.tokens)},
          {"attention", to_string(trace.attention)},
          {"kernels", json_kernels(trace.attention)}};
}

}  // namespace headlight::app
