// What the subcommands share: the global options, how a model and its input are given, output.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "app/loaded_model.h"
#include "inspect/trace.h"
#include "io/json.h"
#include "model/transformer.h"

namespace headlight::app {

/// Options that stand before or after any subcommand's name.
struct Globals {
  int threads = 0;     ///< 0: HEADLIGHT_THREADS, else all cores
  std::string kernel;  ///< empty: HEADLIGHT_KERNEL, else the first that accepts
};

/// The command line while it is put together: a subcommand that was chosen leaves what is to be
/// run.
struct CommandLine {
  CLI::App& app;
  Globals& globals;
  std::function<int()>& chosen;

  /// Adds a subcommand; `run` is called after all options have been read.
  CLI::App* add(const std::string& name, const std::string& what, const std::string& examples,
                std::function<int()> run);
};

// One function per subcommand, each in its own file.
void add_show(CommandLine& line);
void add_logits(CommandLine& line);
void add_trace(CommandLine& line);
void add_pattern(CommandLine& line);
void add_concat(CommandLine& line);
void add_ablate(CommandLine& line);
void add_models(CommandLine& line);
void add_lab(CommandLine& line);
void add_train(CommandLine& line);
void add_relations(CommandLine& line);
void add_data(CommandLine& line);

/// --model, --text, --ids and --gate, as `logits` and `trace` take them.
struct ModelOptions {
  std::string model, text, ids, gates;

  void add_to(CLI::App& command);
  void add_gate_to(CLI::App& command);
  LoadedModel load() const;
  /// Throws UsageError unless exactly one of text and ids is given.
  Input input() const;
  HeadGates head_gates(const ModelConfig& config) const;

 protected:
  void add_input_to(CLI::App& command);
};

/// The model that a command names, and its input run through it once.
struct Recorded {
  LoadedModel model;
  Trace trace;
};
/// Throws as load(), head_gates() and tokens_of() do.
Recorded record(const ModelOptions& options, const Input& input, const Globals& globals);

/// ModelOptions with the text also as the plain argument, and --pair; without --gate.
struct TextOptions : ModelOptions {
  std::string positional, pair;

  void add_to(CLI::App& command);
  Input input() const;
};

/// Throws RequestError naming the range when `value` is not in [0, count).
void check_index(std::string_view op, std::string_view what, std::int64_t value,
                 std::int64_t count);

/// Writes to standard output; throws when it cannot take the text.
void print(std::string_view text);
void print_json(const Json& json);

}  // namespace headlight::app
