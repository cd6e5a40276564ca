#include "app/long_view.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "app/errors.h"
#include "app/json_view.h"
#include "app/parse.h"
#include "inspect/pattern_map.h"

namespace headlight::app {
namespace {

constexpr std::int64_t kMostTokensAtOnce = 1024;
constexpr std::int64_t kMostTargets = 64;
constexpr std::size_t kMostSearched = 200;  ///< bytes
constexpr std::size_t kContextBytes = 48;   ///< on each side of a token
constexpr std::int64_t kContextTokens = 6;  ///< the same, where there is no text

/// The text of the parameter, or "".
std::string_view text_parameter(const LabRequest& request, std::string_view name) {
  const auto it = request.query.find(name);
  return it == request.query.end() ? std::string_view() : std::string_view(it->second);
}

std::int64_t layer_parameter(const LabRequest& request, const Trace& trace) {
  const std::int64_t recorded = std::ssize(trace.layers);
  check_request(recorded > 0, "trace", "no layer is recorded yet; ask for .../record?layers=1");
  return index_parameter(request, "layer", recorded);
}

RowRange range_parameter(const LabRequest& request, std::string_view name, const Trace& trace) {
  const std::string_view given = text_parameter(request, name);
  const std::string_view wanted = given.empty() ? ":" : given;
  const auto range = parse_rows(wanted, trace.length());
  check_request(range.has_value(), "request",
                "{} \"{}\" are not in the trace; write a:b with 0 <= a < b <= {}", name,
                printable(wanted, 40), trace.length());
  return *range;
}

LabResponse map_view(const LabRequest& request, const Trace& trace) {
  MapArea area;
  area.layer = layer_parameter(request, trace);
  area.head = index_parameter(request, "head", trace.config.n_heads);
  const RowRange rows = range_parameter(request, "rows", trace);
  const RowRange columns = range_parameter(request, "columns", trace);
  area.row_begin = rows.begin;
  area.row_end = rows.end;
  area.key_begin = columns.begin;
  area.key_end = columns.end;
  if (request.query.contains("size"))
    area.size = integer_parameter(request, "size", 1, kMostMapCells);
  const PatternMap map = pattern_map(trace, area);
  LabResponse response = tensor_response(map.cells.span<float>(), map.cells.shape());
  response.rows_read = fmt::format("{},{}", map.rows_read, map.rows);
  return response;
}

LabResponse tokens_view(const LabRequest& request, const Trace& trace) {
  const std::int64_t from = index_parameter(request, "from", trace.length());
  const std::int64_t to = integer_parameter(request, "to", from + 1,
                                            std::min(trace.length(), from + kMostTokensAtOnce));
  const auto first = trace.tokens.begin() + from, last = trace.tokens.begin() + to;
  // Special tokens have an empty range, which may lie anywhere.
  std::size_t begin = trace.text.size(), end = 0;
  for (auto token = first; token != last; ++token) {
    if (token->special) continue;
    begin = std::min(begin, token->begin);
    end = std::max(end, token->end);
  }
  begin = std::min(begin, end);
  return json_response({{"from", from},
                        {"to", to},
                        {"tokens", json_tokens({first, last})},
                        {"text", trace.text.substr(begin, end - begin)},
                        {"text_begin", begin}});
}

/// The text around a token, cut at characters.
Json json_target(const Trace& trace, std::int64_t token, float weight) {
  const Token& of = trace.tokens[static_cast<std::size_t>(token)];
  Json json = {{"token", token}, {"weight", json_number(weight)}};
  const std::string_view text = trace.text;
  if (!of.special && of.end > of.begin) {
    std::size_t begin = of.begin - std::min(of.begin, kContextBytes);
    std::size_t end = std::min(text.size(), of.end + kContextBytes);
    const auto inside = [&](std::size_t at) {  // a character goes on here
      return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80;
    };
    while (begin < of.begin && inside(begin)) ++begin;
    while (end > of.end && inside(end)) --end;
    json["before"] = text.substr(begin, of.begin - begin);
    json["word"] = text.substr(of.begin, of.end - of.begin);
    json["after"] = text.substr(of.end, end - of.end);
    return json;
  }
  std::string before, after;
  for (std::int64_t t = std::max<std::int64_t>(0, token - kContextTokens); t < token; ++t)
    before += trace.tokens[static_cast<std::size_t>(t)].piece + " ";
  for (std::int64_t t = token + 1; t < std::min(trace.length(), token + 1 + kContextTokens); ++t)
    after += " " + trace.tokens[static_cast<std::size_t>(t)].piece;
  json["before"] = before;
  json["word"] = of.piece;
  json["after"] = after;
  return json;
}

LabResponse strongest_view(const LabRequest& request, const Trace& trace) {
  const std::int64_t layer = layer_parameter(request, trace);
  const std::int64_t head = index_parameter(request, "head", trace.config.n_heads);
  const std::int64_t query = index_parameter(request, "query", trace.length());
  const std::int64_t asked =
      request.query.contains("count") ? integer_parameter(request, "count", 1, kMostTargets) : 10;
  const Tensor row = pattern_rows(trace, layer, head, query, query + 1);
  const auto weights = row.span<float>();
  std::vector<std::int64_t> order(weights.size());
  std::iota(order.begin(), order.end(), 0);
  const std::int64_t count = std::min(asked, trace.length());
  std::partial_sort(order.begin(), order.begin() + count, order.end(),
                    [&](std::int64_t a, std::int64_t b) {
                      const float x = weights[static_cast<std::size_t>(a)];
                      const float y = weights[static_cast<std::size_t>(b)];
                      return x != y ? x > y : a < b;
                    });
  Json targets = Json::array();
  double rest = 1;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t token = order[static_cast<std::size_t>(i)];
    const float weight = weights[static_cast<std::size_t>(token)];
    if (weight <= 0) break;
    rest -= static_cast<double>(weight);
    targets.push_back(json_target(trace, token, weight));
  }
  return json_response(
      {{"layer", layer},
       {"head", head},
       {"query", query},
       {"self", json_target(trace, query, weights[static_cast<std::size_t>(query)])},
       {"entropy", json_number(row_entropies(row)[0])},
       {"rest", json_number(std::max(rest, 0.0))},
       {"targets", std::move(targets)}});
}

/// Letters of ASCII alike, whatever their case.
bool same_letter(char a, char b) {
  const auto lower = [](char c) { return 'A' <= c && c <= 'Z' ? c - 'A' + 'a' : c; };
  return lower(a) == lower(b);
}

/// The first token from `from` on that the wanted text begins in, or nothing.
std::optional<std::int64_t> next_match(const Trace& trace, std::string_view wanted,
                                       std::int64_t from) {
  const auto matches = [&](std::string_view in, std::size_t at) {
    return std::search(in.begin() + static_cast<std::ptrdiff_t>(at), in.end(), wanted.begin(),
                       wanted.end(), same_letter) -
           in.begin();
  };
  const auto& tokens = trace.tokens;
  if (trace.text.empty()) {  // ids: nothing but pieces
    for (auto t = static_cast<std::size_t>(from); t < tokens.size(); ++t)
      if (matches(tokens[t].piece, 0) < std::ssize(tokens[t].piece))
        return static_cast<std::int64_t>(t);
    return std::nullopt;
  }
  auto token = tokens.begin() + from;
  while (token != tokens.end() && token->special) ++token;
  if (token == tokens.end()) return std::nullopt;
  const std::ptrdiff_t at = matches(trace.text, token->begin);
  if (at == std::ssize(trace.text)) return std::nullopt;
  while (token != tokens.end() && (token->special || token->end <= static_cast<std::size_t>(at)))
    ++token;
  if (token == tokens.end()) return std::nullopt;
  return token - tokens.begin();
}

LabResponse find_view(const LabRequest& request, const Trace& trace) {
  const std::string_view wanted = text_parameter(request, "text");
  check_request(!wanted.empty() && wanted.size() <= kMostSearched, "request",
                "\"text\" has {} bytes; 1 to {} can be searched for", wanted.size(), kMostSearched);
  const std::int64_t from =
      request.query.contains("from") ? index_parameter(request, "from", trace.length()) : 0;
  auto found = next_match(trace, wanted, from);
  if (!found && from > 0) found = next_match(trace, wanted, 0);
  return json_response({{"token", found ? Json(*found) : Json()}});
}

struct View {
  std::string_view part;
  LabResponse (*answer)(const LabRequest&, const Trace&);
};
constexpr View kViews[] = {{"/map", map_view},
                           {"/tokens", tokens_view},
                           {"/find", find_view},
                           {"/strongest", strongest_view}};

}  // namespace

std::int64_t longest_text(const ModelConfig& config) {
  return config.family == Family::llama ? kMostLongTokens
                                        : std::min(config.max_len, kMostLongTokens);
}

void check_long_trace(const ModelConfig& config, std::int64_t length, std::size_t most_bytes) {
  const std::size_t bytes = long_trace_bytes(config, length);
  check_request(bytes <= most_bytes, "trace",
                "{} tokens of this model take {} MiB, more than the {} MiB for a long trace; {} "
                "tokens fit",
                length, bytes >> 20, most_bytes >> 20, most_bytes / long_trace_bytes(config, 1));
}

Json json_long_trace(std::string_view id, const ModelInfo& info, const LongTrace& trace) {
  return {{"id", id},
          {"model", json_model(info)},
          {"length", trace.trace().length()},
          {"text_bytes", trace.trace().text.size()},
          {"layers_recorded", trace.layers_recorded()},
          {"past_max_len", trace.past_max_len()},
          {"bytes", long_trace_bytes(info.config, trace.trace().length())}};
}

bool is_long_view(std::string_view part) {
  return std::ranges::find(kViews, part, &View::part) != std::end(kViews);
}

LabResponse long_view(const LabRequest& request, std::string_view part, const Trace& trace) {
  const auto view = std::ranges::find(kViews, part, &View::part);
  check_request(view != std::end(kViews), "request", "there is no view {}", printable(part, 40));
  return view->answer(request, trace);
}

}  // namespace headlight::app
