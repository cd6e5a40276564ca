// headlight logits: one forward pass, its result in a safetensors file.
#include <memory>

#include "app/command.h"
#include "app/errors.h"
#include "io/safetensors.h"
#include "kernels/attention/attention.h"

namespace headlight::app {
namespace {

struct Options : ModelOptions {
  std::string out;
  bool json = false;
};

std::vector<std::int64_t> ids_of(const std::vector<Token>& tokens) {
  std::vector<std::int64_t> ids;
  for (const Token& token : tokens) ids.push_back(token.id);
  return ids;
}

/// Token types, for the families that have them.
std::vector<std::int64_t> types_of(const std::vector<Token>& tokens, const ModelConfig& config) {
  std::vector<std::int64_t> types;
  if (config.n_token_types == 0) return types;
  for (const Token& token : tokens) types.push_back(token.type_id);
  return types;
}

int run(const Options& options, const Globals& globals) {
  const Input input = options.input();
  const LoadedModel model = options.load();
  const ModelConfig& config = model.info.config;
  const std::vector<Token> tokens = tokens_of(model, input);
  const std::vector<std::int64_t> ids = ids_of(tokens), types = types_of(tokens, config);
  const HeadGates gates = options.head_gates(config);
  const ForwardResult result = model.transformer.forward(
      ids, {.token_type_ids = types, .head_gates = &gates, .kernel = globals.kernel});

  const bool has_logits = static_cast<bool>(result.logits);
  const Tensor& values = has_logits ? result.logits : result.last_hidden;
  const std::string name = has_logits ? "logits" : "last_hidden_state";
  const Shape length{std::ssize(ids)};
  write_safetensors(options.out, {{"input_ids", TensorView(ids.data(), length)}, {name, values}});
  const std::string ran = to_string(result.attention);
  if (options.json)
    print_json({{"out", options.out},
                {"input_ids", ids},
                {"tensor", name},
                {"shape", {values.dim(0), values.dim(1)}},
                {"attention", ran}});
  else
    print(fmt::format("wrote {}: input_ids [{}], {} {}; {}\n", printable(options.out, 300),
                      ids.size(), name, to_string(values.shape()), ran));
  return 0;
}

}  // namespace

void add_logits(CommandLine& line) {
  auto options = std::make_shared<Options>();
  CLI::App* command = line.add(
      "logits", "Run a model once and write its logits (an encoder's hidden states)",
      "  headlight logits --model stories15M --text \"Once upon a time\" --out out.safetensors\n"
      "  headlight logits --model gpt2-basic --ids 1,2,3 --gate 0.2=0,1.3=0.5 --out "
      "out.safetensors",
      [options, globals = &line.globals] { return run(*options, *globals); });
  options->add_to(*command);
  command->add_option("--out", options->out, "safetensors file to write")
      ->required()
      ->type_name("FILE");
  command->add_flag("--json", options->json, "Print what was written as JSON");
}

}  // namespace headlight::app
