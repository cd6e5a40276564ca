#include "app/export_address.h"

namespace headlight::app {
namespace {

/// What the page's text box holds: the text, or the ids of a model that has no tokenizer.
std::string typed_text(const Json& trace) {
  if (!trace["model"]["tokenizer"].is_null()) return trace["text"];
  std::string ids;
  for (const Json& token : trace["tokens"])
    ids += fmt::format("{}{}", ids.empty() ? "" : " ", token["id"].get<std::int64_t>());
  return ids;
}

std::string part(std::string_view name, std::string_view value) {
  return fmt::format("&{}={}", name, url_encoded(value));
}

/// {"2.1": 0, "2.4": 0.5} as "2.1:0;2.4:0.5".
std::string gates_text(const Json& gates) {
  std::string out;
  for (const auto& [head, gate] : gates.items())
    out += fmt::format("{}{}:{}", out.empty() ? "" : ";", head, gate.dump());
  return out;
}

}  // namespace

std::string url_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (plain || std::string_view("-._~").find(c) != std::string_view::npos)
      out += c;
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

std::string export_address(const ExportView& view, const Json& a, const Json& b) {
  std::string out = fmt::format("?view={}&layer={}&query={}", view.against ? "compare" : "model",
                                view.layer, view.query);
  out += part("text", typed_text(a));
  if (!view.against) return out;
  if (b["model"]["name"] != a["model"]["name"])
    out += part("model2", b["model"]["name"].get<std::string>());
  if (typed_text(b) != typed_text(a)) out += part("text2", typed_text(b));
  if (view.against->layer != view.layer) out += fmt::format("&layer2={}", view.against->layer);
  if (!view.against->gates.empty()) out += part("gates", gates_text(view.against->gates));
  return out + fmt::format("&query2={}", view.against->query);
}

}  // namespace headlight::app
