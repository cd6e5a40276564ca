// The JSON that the command line and the server both print: docs/http-api.md.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "app/model_catalog.h"
#include "inspect/concat.h"
#include "inspect/trace.h"
#include "io/json.h"

namespace headlight::app {

/// A number that prints with as many digits as bring the same fp32 back (at most nine), so that the
/// page and the command line agree to the last bit. Throws on NaN and infinity, which JSON has not.
Json json_number(float value);
/// The fp32 nearest to `value`.
Json json_number(double value);

Json json_model(const ModelInfo& info);
/// The text goes in as it is; it must be UTF-8.
Json json_tokens(const std::vector<Token>& tokens);
/// Query row `query` of every head of a layer (or of one), and the average over all of them.
Json json_rows(const Trace& trace, std::int64_t layer, std::int64_t query,
               std::optional<std::int64_t> only_head = std::nullopt);
/// "norm", "cosine" and "share" of one summand of the attention output.
Json json_added(const AddedVector& added);
Json json_numbers(std::span<const float> values);
/// Concat of the HTTP API: what each head puts side by side at a token, what it adds through W_O,
/// and what each source token gives.
Json json_concat(const Transformer& model, const Trace& trace, std::int64_t layer,
                 std::int64_t query);
/// What ran, and why the kernels before it in the list did not.
Json json_kernels(const AttentionReport& report);
/// Trace of the HTTP API: {"id", "model", "text", "length", "tokens", "attention", "kernels"}.
Json json_trace(std::string_view id, const ModelInfo& info, const Trace& trace);

}  // namespace headlight::app
