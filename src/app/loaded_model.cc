#include "app/loaded_model.h"

#include <algorithm>

#include "app/errors.h"
#include "app/parse.h"
#include "inspect/trace.h"

namespace headlight::app {
namespace {

/// Characters and bytes cost nothing to count, tokenizing does: a text that cannot fit is refused
/// before. No tokenizer here makes a token from more bytes than this on average.
constexpr std::size_t kBytesPerToken = 256;

std::vector<Token> tokens_of_text(const LoadedModel& model, const Input& input, std::int64_t most) {
  const std::size_t limit = static_cast<std::size_t>(most) * kBytesPerToken;
  check_request(model.tokenizer != nullptr, "tokenizer",
                "model \"{}\" has no tokenizer; give token ids instead of a text",
                printable(model.info.name));
  const std::size_t bytes = input.text.size() + input.pair.size();
  check_request(bytes <= limit, "tokenizer",
                "a text of {} bytes is more than the {} allowed for a model of {} positions", bytes,
                limit, most);
  return as_request([&] {  // what the text is, not what the model is, makes it refuse
    return input.pair.empty() ? model.tokenizer->encode(input.text)
                              : model.tokenizer->encode_pair(input.text, input.pair);
  });
}

std::vector<Token> named_tokens(const LoadedModel& model, std::span<const std::int64_t> ids) {
  std::vector<Token> tokens = tokens_of_ids(ids);
  for (Token& token : tokens) token.piece = piece_of(model, token.id);
  return tokens;
}

}  // namespace

LoadedModel load_model(const ModelFolder& model) {
  // One after another, not inside the braces of LoadedModel{...}: GCC 12 destroys members twice
  // when a later one throws there.
  auto tokenizer = load_tokenizer(model.folder);
  Transformer transformer = Transformer::load(model.folder);
  ModelInfo info;
  info.name = model.name;
  info.folder = model.folder;
  info.config = transformer.config();
  info.n_parameters = transformer.n_parameters();
  if (tokenizer) info.tokenizer = tokenizer->kind();
  return {std::move(info), std::move(transformer), std::move(tokenizer)};
}

std::vector<Token> tokens_of(const LoadedModel& model, const Input& input,
                             std::optional<std::int64_t> most) {
  const ModelConfig& config = model.info.config;
  const std::int64_t limit = most.value_or(config.max_len);
  for (std::size_t i = 0; i < input.ids.size(); ++i)
    check_request(0 <= input.ids[i] && input.ids[i] < config.vocab_size, "ids",
                  "id {} at position {} is not in the vocabulary [0, {})", input.ids[i], i,
                  config.vocab_size);
  const auto too_long = [&](std::size_t n) { return n > static_cast<std::size_t>(limit); };
  check_request(!too_long(input.ids.size()), "ids",
                "{} ids are more than the {} positions of model \"{}\"", input.ids.size(), limit,
                printable(model.info.name));
  if (!input.ids.empty()) return named_tokens(model, input.ids);

  std::vector<Token> tokens = tokens_of_text(model, input, limit);
  check_request(!tokens.empty(), "tokenizer", "the text is empty: there is no token to look at");
  check_request(!too_long(tokens.size()), "tokenizer",
                "the text is {} tokens, more than the {} positions of model \"{}\"; shorten it",
                tokens.size(), limit, printable(model.info.name));
  for (const Token& token : tokens)
    check(
        0 <= token.id && token.id < config.vocab_size, "tokenizer",
        "{}: token \"{}\" has id {}, but the model's vocabulary is [0, {}): the tokenizer belongs "
        "to another model",
        printable(model.info.folder.path().string(), 300), printable(token.piece), token.id,
        config.vocab_size);
  return tokens;
}

std::string piece_of(const LoadedModel& model, std::int64_t id) {
  const bool known = model.tokenizer && 0 <= id && id < model.tokenizer->vocab_size();
  return known ? model.tokenizer->piece(id) : fmt::format("#{}", id);
}

std::pair<std::int64_t, std::int64_t> named_head(const ModelConfig& config, std::string_view name) {
  const std::size_t dot = name.find('.');
  const auto number = [](std::string_view part) { return parse_integer(part).value_or(-1); };
  const std::int64_t layer = number(name.substr(0, dot));
  const std::int64_t head = dot == name.npos ? -1 : number(name.substr(dot + 1));
  check_request(layer >= 0 && head >= 0, "gates",
                "\"{}\" does not name a head; write layer.head, as in 1.0", printable(name));
  check_request(layer < config.n_layers && head < config.n_heads, "gates",
                "head {}.{} is not there: layers are [0, {}), heads [0, {})", layer, head,
                config.n_layers, config.n_heads);
  return {layer, head};
}

void set_gate(HeadGates& gates, const ModelConfig& config, std::string_view name, double value) {
  const auto [layer, head] = named_head(config, name);
  check_request(value >= 0 && value <= 1, "gates", "gate {} of head {}.{} is not in [0, 1]", value,
                layer, head);
  gates.set(layer, head, static_cast<float>(value));
}

std::int64_t default_query(const std::vector<Token>& tokens) {
  const auto it = std::find_if(tokens.rbegin(), tokens.rend(),
                               [](const Token& token) { return !token.special; });
  const auto from_end = it == tokens.rend() ? 0 : it - tokens.rbegin();
  return std::ssize(tokens) - 1 - from_end;
}

}  // namespace headlight::app
