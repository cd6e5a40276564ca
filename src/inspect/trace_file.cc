// Traces as safetensors files. The metadata holds the format's name, the configuration, the tokens
// and the text; the tensors are those of trace_tensors.h.
#include <cmath>

#include "core/error.h"
#include "inspect/trace.h"
#include "inspect/trace_tensors.h"
#include "io/json.h"
#include "io/safetensors.h"

namespace headlight {
namespace {

constexpr std::string_view kFormat = "headlight trace 1";

std::string tokens_to_json(const std::vector<Token>& tokens) {
  Json list = Json::array();
  for (const Token& token : tokens)
    list.push_back({{"id", token.id},
                    {"piece", token.piece},
                    {"begin", token.begin},
                    {"end", token.end},
                    {"special", token.special},
                    {"type_id", token.type_id}});
  try {
    return list.dump();
  } catch (const Json::exception&) {
    fail("trace", "a token's piece is not valid UTF-8");
  }
}

Token token_from_json(const JsonObject& json, const Trace& trace) {
  Token token;
  const auto text_size = static_cast<std::int64_t>(trace.text.size());
  const std::int64_t types = std::max<std::int64_t>(trace.config.n_token_types, 1);
  token.id = json.integer("id", 0, trace.config.vocab_size - 1);
  token.piece = json.string("piece");
  token.begin = static_cast<std::size_t>(json.integer("begin", 0, text_size));
  token.end = static_cast<std::size_t>(
      json.integer("end", static_cast<std::int64_t>(token.begin), text_size));
  token.special = json.boolean("special");
  token.type_id = static_cast<int>(json.integer("type_id", 0, types - 1));
  return token;
}

/// A file being read, with what its messages need.
struct TraceFile {
  explicit TraceFile(const std::filesystem::path& path)
      : file(path), source(printable(path.string(), 300)) {}

  std::string metadata(const std::string& key) const {
    const auto it = file.metadata().find(key);
    check(it != file.metadata().end(), "trace",
          "{}: no \"{}\" in the metadata; is this a file written by 'headlight trace'?", source,
          key);
    return it->second;
  }

  Tensor tensor(const std::string& name, const Shape& shape) const {
    const TensorView stored = file.tensor(name);
    check(stored.dtype() == DType::f32, "trace", "{}: {} has dtype {}, a trace holds f32", source,
          name, name_of(stored.dtype()));
    check(stored.shape() == shape, "trace",
          "{}: {} has shape {}, its configuration and tokens ask for {}", source, name,
          to_string(stored.shape()), to_string(shape));
    Tensor out = to_f32(stored);
    std::size_t index = 0;
    for (float x : out.span<float>()) {
      check(std::isfinite(x), "trace", "{}: {} holds {} at index {}", source, name, x, index);
      ++index;
    }
    return out;
  }

  SafetensorsFile file;
  std::string source;
};

void read_tokens(const TraceFile& file, Trace& trace) {
  const std::string source = file.source + ": tokens";
  const Json list = parse_json(file.metadata("tokens"), source);
  check(list.is_array() && !list.empty(), "trace", "{} must be a list that is not empty", source);
  check(static_cast<std::int64_t>(list.size()) <= trace.config.max_len, "trace",
        "{}: {} tokens are more than the configuration's max_len {}", source, list.size(),
        trace.config.max_len);
  for (const Json& item : list) {
    trace.tokens.push_back(token_from_json(JsonObject(item, source), trace));
    trace.ids.push_back(trace.tokens.back().id);
  }
}

}  // namespace

void save_trace(const Trace& trace, const std::filesystem::path& path) {
  std::vector<NamedTensor> tensors;
  for (std::size_t l = 0; l < trace.layers.size(); ++l)
    visit_tensors(trace.layers[l], trace.config, trace.length(),
                  [&](std::string_view name, const Tensor& tensor, const Shape&) {
                    tensors.push_back({traced_name(l, name), tensor});
                  });
  write_safetensors(path, tensors,
                    {{"format", std::string(kFormat)},
                     {"config", to_json(trace.config)},
                     {"tokens", tokens_to_json(trace.tokens)},
                     {"text", trace.text},
                     {"attention", to_string(trace.attention)}});
}

Trace load_trace(const std::filesystem::path& path) {
  const TraceFile file(path);
  const std::string format = file.metadata("format");
  check(format == kFormat, "trace", "{}: format \"{}\" is not supported; supported: \"{}\"",
        file.source, printable(format), kFormat);
  Trace trace;
  trace.config = config_from_json(file.metadata("config"), file.source + ": config");
  trace.text = file.metadata("text");
  read_tokens(file, trace);
  std::size_t expected = 0;
  for (std::int64_t l = 0; l < trace.config.n_layers; ++l) {
    TracedLayer layer;
    visit_tensors(layer, trace.config, trace.length(),
                  [&](std::string_view name, Tensor& tensor, const Shape& shape) {
                    tensor = file.tensor(traced_name(static_cast<std::size_t>(l), name), shape);
                    ++expected;
                  });
    trace.layers.push_back(std::move(layer));
  }
  check(file.file.names().size() == expected, "trace",
        "{}: holds {} tensors, a trace of {} layers has {}", file.source, file.file.names().size(),
        trace.config.n_layers, expected);
  return trace;
}

}  // namespace headlight
