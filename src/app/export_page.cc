#include "app/export_page.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "app/errors.h"
#include "app/export_address.h"
#include "app/web_assets.h"
#include "core/error.h"

namespace headlight::app {
namespace {

constexpr std::string_view kOp = "export";
constexpr std::string_view kApi = "/api/v1/";

std::string base64(std::string_view bytes) {
  static constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - at);
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i)
      group = group << 8 | (i < count ? static_cast<unsigned char>(bytes[at + i]) : 0u);
    for (std::size_t i = 0; i < 4; ++i)
      out += i <= count ? kDigits[group >> (18 - 6 * i) & 63] : '=';
  }
  return out;
}

LabRequest get_request(const std::string& path) {
  return {.post = false, .path = std::string(kApi) + path, .query = {}, .body = {}};
}

/// The API's answers, by what the page asks with: "GET path?query" or "POST path body".
class Recording {
 public:
  explicit Recording(Lab& lab) : lab_(lab) {}

  /// What the page asks for as path?a=1&b=2, in this order.
  void get(const std::string& path,
           const std::vector<std::pair<std::string, std::int64_t>>& parameters) {
    std::string key = "GET " + path;
    LabRequest request = get_request(path);
    for (const auto& [name, value] : parameters) {
      key += (request.query.empty() ? "?" : "&") + name + "=" + std::to_string(value);
      request.query.emplace(name, std::to_string(value));
    }
    keep(key, lab_.answer(request));
  }
  void post(const std::string& path, const Json& body) {
    keep(fmt::format("POST {} {}", path, body.dump()),
         lab_.answer({true, std::string(kApi) + path, {}, body.dump()}));
  }
  void put(const std::string& key, Json answer) { answers_[key] = {{"json", std::move(answer)}}; }
  const Json& answers() const { return answers_; }

 private:
  void keep(const std::string& key, const LabResponse& response) {
    if (response.shape.empty())  // as every error has it
      answers_[key] = {{"json", json_of(response, kOp)}};
    else
      answers_[key] = {{"shape", response.shape}, {"bytes", base64(response.body)}};
  }

  Lab& lab_;
  Json answers_ = Json::object();
};

/// One trace and the place in it that is looked at.
struct Recorded {
  const Json& trace;
  std::string id;
  std::int64_t layer, query;
  std::int64_t layers, heads, width, head_dim, length;
};

Recorded recorded(const Json& trace, std::string id, std::int64_t layer, std::int64_t query) {
  const Json& model = trace["model"];
  return {trace,
          std::move(id),
          layer,
          query,
          model["n_layers"],
          model["n_heads"],
          model["d_model"],
          model["head_dim"],
          trace["length"]};
}

/// Numbers that a token's predictions take the room of: the page asks for 100, of three fields.
constexpr std::int64_t kPredictions = 100;
constexpr std::int64_t kPredictionNumbers = 6 * kPredictions;

enum class Extent : std::uint8_t { everything, layer, query };

/// Whether `count` things of `each` numbers are few enough.
bool fits(std::int64_t count, std::int64_t each) {
  return count <= kMostExportedNumbers / each;
}

/// As much as fits, when each token of each layer takes `each` numbers.
Extent extent_of(const Recorded& r, std::int64_t each) {
  if (fits(r.layers * r.length, each)) return Extent::everything;
  return fits(r.length, each) ? Extent::layer : Extent::query;
}

/// Calls body(layer, query) for all that the extent holds.
template <class Body>
void for_each_in(const Recorded& r, Extent extent, const Body& body) {
  for (std::int64_t l = 0; l < r.layers; ++l)
    for (std::int64_t q = 0; q < r.length; ++q) {
      const bool wanted = (extent == Extent::everything || l == r.layer) &&
                          (extent != Extent::query || q == r.query);
      if (wanted) body(l, q);
    }
}

void record_models(Recording& recording, const Recorded& a, const std::optional<Recorded>& b) {
  const Json& model = a.trace["model"];
  Json models = {model};
  if (b && b->trace["model"]["name"] != model["name"]) models.push_back(b->trace["model"]);
  recording.put("GET models", {{"models", std::move(models)}, {"default", model["name"]}});
  // Without a name: there is but one model in the file whose record is looked at.
  if (std::ranges::count(model["records"], "abilities") > 0) recording.get("abilities", {});
}

void record_text(Recording& recording, const Recorded& r, const Json& gates) {
  const Json& model = r.trace["model"];
  Json asked = {{"model", model["name"]}};
  if (!gates.empty()) asked["gates"] = gates;
  if (model["tokenizer"].is_null()) {
    Json ids = Json::array();
    for (const Json& token : r.trace["tokens"]) ids.push_back(token["id"]);
    asked["ids"] = std::move(ids);
  } else {
    asked["text"] = r.trace["text"];
  }
  recording.put("POST traces " + asked.dump(), r.trace);
}

/// What every layer reads at a token, and who reads it there.
void record_rows(Recording& recording, const Recorded& r) {
  const std::string base = "traces/" + r.id;
  const std::int64_t each = 2 * (r.heads + 1) * r.length;
  const auto record = [&](std::int64_t l, std::int64_t q) {
    recording.get(base + "/rows", {{"layer", l}, {"query", q}});
    recording.get(base + "/columns", {{"layer", l}, {"key", q}});
  };
  const Extent extent = extent_of(r, each);
  for_each_in(r, extent, record);
  if (extent != Extent::everything && fits(r.layers, each))
    for (std::int64_t l = 0; l < r.layers; ++l) record(l, r.query);
}

void record_predictions(Recording& recording, const Recorded& r) {
  const bool all = fits(r.length, kPredictionNumbers);
  for (std::int64_t q = all ? 0 : r.query; q < (all ? r.length : r.query + 1); ++q)
    recording.get("traces/" + r.id + "/predictions", {{"query", q}, {"top", kPredictions}});
}

void record_heads(Recording& recording, const Recorded& r) {
  const std::string base = "traces/" + r.id;
  recording.get(base + "/overview", {{"size", 24}});
  recording.get(base + "/statistics", {});
  for (std::int64_t l = 0; l < r.layers; ++l) recording.get(base + "/value_norms", {{"layer", l}});
  record_rows(recording, r);
  for_each_in(r, extent_of(r, r.heads * (r.width + r.head_dim)),
              [&](std::int64_t l, std::int64_t q) {
                recording.get(base + "/concat", {{"layer", l}, {"query", q}});
              });
  for (std::int64_t h = 0; h < r.heads; ++h)
    for (const char* part : {"/values", "/w_o"})
      recording.get(base + part, {{"layer", r.layer}, {"head", h}});
}

/// One head of the layer switched off, each in turn.
void record_losses(Recording& recording, const Recorded& r) {
  for (std::int64_t h = 0; h < r.heads; ++h)
    recording.post("ablations", {{"trace", r.id},
                                 {"heads", {{fmt::format("{}.{}", r.layer, h), 0}}},
                                 {"how", "zero"},
                                 {"query", r.query},
                                 {"layer", r.layer}});
}

/// Everything that the page asks for in this view.
Json record_all(Lab& lab, const Recorded& a, const std::optional<Recorded>& b, const Json& gates) {
  Recording recording(lab);
  record_models(recording, a, b);
  record_text(recording, a, {});
  record_heads(recording, a);
  record_losses(recording, a);
  if (b) {
    record_text(recording, *b, gates);
    record_rows(recording, *b);
    for (const Recorded* side : {&a, &*b}) record_predictions(recording, *side);
  }
  return recording.answers();
}

std::string_view asset(std::string_view path) {
  const auto assets = web_assets();
  const auto it = std::ranges::find(assets, path, &WebAsset::path);
  check(it != assets.end(), kOp,
        "this program was built without the lab page; configure with -DHEADLIGHT_WEB=ON");
  return it->body;
}

/// Replaces what must be there once.
void replace(std::string& text, std::string_view what, const std::string& with) {
  const std::size_t at = text.find(what);
  check(at != std::string::npos, kOp, "the page has no {}", what);
  text.replace(at, what.size(), with);
}

constexpr std::string_view kPolicy =
    R"(<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; )"
    R"(style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'">)";

}  // namespace

std::string escaped_for_script(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    out += text[i];
    const std::string_view rest = text.substr(i);
    if (rest.starts_with("<!--") || rest.starts_with("</s") || rest.starts_with("</S")) out += '\\';
  }
  return out;
}

Json gates_of(const HeadGates& gates) {
  Json out = Json::object();
  for (std::int64_t l = 0; l < gates.n_layers(); ++l)
    for (std::int64_t h = 0; h < gates.n_heads(); ++h)
      // As JavaScript writes the number that it was: 0, not 0.0, and 0.35 rather than its float.
      if (const float gate = gates.get(l, h); gate < 1.0f)
        out[fmt::format("{}.{}", l, h)] = Json::parse(fmt::format("{}", gate));
  return out;
}

std::string export_page(Lab& lab, const ExportView& view) {
  const auto trace_of = [&](const std::string& id) {
    return json_of(lab.answer(get_request("traces/" + id)), kOp);
  };
  const Json trace = trace_of(view.trace);
  const Recorded a = recorded(trace, view.trace, view.layer, view.query);
  const Json other = view.against ? trace_of(view.against->trace) : Json();
  std::optional<Recorded> b;
  if (view.against)
    b.emplace(recorded(other, view.against->trace, view.against->layer, view.against->query));
  const Json answers = record_all(lab, a, b, view.against ? view.against->gates : Json::object());

  const Json snapshot = {
      {"search", view.search.empty() ? export_address(view, trace, other) : view.search},
      {"text", trace["text"]},
      {"answers", answers}};
  std::string page(asset("/index.html"));
  replace(page, R"(<link rel="icon" href="favicon.svg" type="image/svg+xml">)",
          std::string(kPolicy));
  replace(page, R"(<link rel="stylesheet" href="app.css">)",
          "<style>" + escaped_for_script(asset("/app.css")) + "</style>");
  // Only < is special inside of JSON's strings, where it may be written otherwise.
  std::string json = snapshot.dump(-1, ' ', false, Json::error_handler_t::replace);
  for (std::size_t at = 0; (at = json.find('<', at)) != std::string::npos;)
    json.replace(at, 1, "\\u003c");
  replace(page, R"(<script type="module" src="app.js"></script>)",
          R"(<script type="application/json" id="snapshot">)" + json +
              R"(</script><script type="module">)" + escaped_for_script(asset("/app.js")) +
              "</script>");
  return page;
}

}  // namespace headlight::app
