#include "app/command.h"

#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

#include "app/errors.h"
#include "app/parse.h"

namespace headlight::app {

CLI::App* CommandLine::add(const std::string& name, const std::string& what,
                           const std::string& examples, std::function<int()> run) {
  CLI::App* command = app.add_subcommand(name, what);
  command->fallthrough();
  command->footer("Examples:\n" + examples);
  command->callback([this_chosen = &chosen, run = std::move(run)] { *this_chosen = run; });
  return command;
}

void ModelOptions::add_to(CLI::App& command) {
  add_input_to(command);
  add_gate_to(command);
}

void ModelOptions::add_input_to(CLI::App& command) {
  command
      .add_option(
          "--model", model,
          "Model folder, or the name of one that `models` lists (default: the built-in one)")
      ->type_name("DIR");
  command.add_option("--text", text, "The text to run")->type_name("TEXT");
  command.add_option("--ids", ids, "Token ids instead of a text: 1,2,3 or @file")->type_name("IDS");
}

void ModelOptions::add_gate_to(CLI::App& command) {
  command
      .add_option("--gate", gates,
                  "Gates on heads, layer.head=value in [0, 1]; 0 switches a head off")
      ->type_name("L.H=G,...");
}

LoadedModel ModelOptions::load() const {
  return load_model(resolve_model(model));
}

Input ModelOptions::input() const {
  if (text.empty() == ids.empty())
    throw UsageError("input", text.empty() ? "give a text (--text) or token ids (--ids)"
                                           : "give a text or token ids, not both");
  Input input;
  input.text = text;
  if (!ids.empty()) input.ids = parse_ids(ids);
  return input;
}

void TextOptions::add_to(CLI::App& command) {
  command.add_option("TEXT", positional, "The text (the same as --text)");
  add_input_to(command);
  command.add_option("--pair", pair, "A second text, for models that read pairs")
      ->type_name("TEXT");
}

Input TextOptions::input() const {
  if (!positional.empty() && !text.empty())
    throw UsageError("input", "the text was given twice, with and without --text");
  ModelOptions plain = *this;
  if (text.empty()) plain.text = positional;
  Input input = plain.input();
  if (!pair.empty() && !input.ids.empty())
    throw UsageError("input", "--pair goes with a text, not with --ids");
  input.pair = pair;
  return input;
}

HeadGates ModelOptions::head_gates(const ModelConfig& config) const {
  HeadGates out(config);
  for (const auto& [name, value] : parse_gates(gates)) set_gate(out, config, name, value);
  return out;
}

Recorded record(const ModelOptions& options, const Input& input, const Globals& globals) {
  LoadedModel model = options.load();
  const HeadGates gates = options.head_gates(model.info.config);
  Trace trace = record_trace(model.transformer, tokens_of(model, input), input.text,
                             {.head_gates = &gates, .kernel = globals.kernel});
  return {std::move(model), std::move(trace)};
}

void check_index(std::string_view op, std::string_view what, std::int64_t value,
                 std::int64_t count) {
  check_request(0 <= value && value < count, op, "{} {} is not in [0, {})", what, value, count);
}

void print(std::string_view text) {
  const bool ok = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  if (!ok || std::fflush(stdout) != 0)
    fail("output", "cannot write to standard output: {}", std::generic_category().message(errno));
}

void print_json(const Json& json) {
  print(json.dump() + "\n");
}

}  // namespace headlight::app
