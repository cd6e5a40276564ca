// headlight: the program. Parses the command line, runs one subcommand, maps failures to exit
// codes.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "app/command.h"
#include "app/errors.h"
#include "app/experiment_command.h"
#include "app/export_command.h"
#include "app/version.h"
#include "core/threads.h"
#include "io/nearest_name.h"
#include "kernels/attention/attention.h"

namespace headlight::app {
namespace {

std::vector<std::string> kernel_names() {
  std::vector<std::string> names;
  for (const AttentionKernel& kernel : attention_kernels()) names.emplace_back(kernel.name);
  return names;
}

void add_globals(CLI::App& app, Globals& globals) {
  app.add_option("--threads", globals.threads, "Threads to compute with (default: all cores)")
      ->check(CLI::Range(1, 4096))
      ->type_name("N");
  app.add_option("--kernel", globals.kernel, "Force an attention kernel")
      ->check(CLI::IsMember(kernel_names()))
      ->type_name("NAME");
  app.set_version_flag("--version", "headlight " + std::string(kVersion));
}

int report(const std::string& message, int exit_code) {
  std::fprintf(stderr, "headlight: %s\n", message.c_str());
  return exit_code;
}

/// The first argument that nothing takes; it explains more than an option that is missing.
std::string first_unknown(const CLI::App& app) {
  for (const std::string& argument : app.remaining(true))
    if (argument != "--") return argument;
  return {};
}

/// The names that an unknown word may have been meant for.
std::vector<std::string> names_near(const CLI::App& app, const CLI::App& where, bool option) {
  std::vector<std::string> names;
  if (option) {
    for (const CLI::App* each : {&where, &app})
      for (const CLI::Option* known : each->get_options())
        for (const std::string& name : known->get_lnames()) names.push_back("--" + name);
  } else {
    for (const CLI::App* command : where.get_subcommands({})) names.push_back(command->get_name());
  }
  return names;
}

/// The command that was chosen, as far down as the line names one: `data vocabulary`.
const CLI::App& chosen_command(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  return chosen.empty() ? app : chosen_command(*chosen.front());
}

/// A usage error in one line, with the nearest command or option and where to read more.
int report_usage(const CLI::App& app, std::string message) {
  const CLI::App& where = chosen_command(app);
  if (const std::string unknown = first_unknown(app); !unknown.empty()) {
    const bool option = unknown.starts_with('-');
    message =
        fmt::format("unknown {} {}{}",
                    option                                   ? "option"
                    : where.get_require_subcommand_min() > 0 ? "command"
                                                             : "argument",
                    printable(unknown), nearest_hint(unknown, names_near(app, where, option)));
  }
  std::string command = where.get_name();
  for (const CLI::App* up = where.get_parent(); up != nullptr; up = up->get_parent())
    command = up->get_name() + " " + command;
  return report(printable(message, 500) + "; see `" + command + " --help`", 2);
}

int run(int argc, char** argv) {
  CLI::App app{"Headlight: multi-head attention that can be seen through, head by head."};
  Globals globals;
  std::function<int()> chosen;
  CommandLine line{app, globals, chosen};
  app.name("headlight");
  app.require_subcommand(1);
  add_globals(app, globals);
  for (auto* add :
       {add_show, add_logits, add_trace, add_pattern, add_concat, add_ablate, add_export,
        add_models, add_lab, add_data, add_train, add_relations, add_experiment})
    add(line);
  app.footer("`headlight COMMAND --help` explains a command, with examples.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e);  // --help and --version
    return report_usage(app, e.what());
  }
  if (globals.threads > 0) set_threads(globals.threads);
  return chosen();
}

}  // namespace
}  // namespace headlight::app

int main(int argc, char** argv) {
  try {
    return headlight::app::run(argc, argv);
  } catch (...) {
    const auto failure = headlight::app::describe(std::current_exception());
    return headlight::app::report(failure.message, failure.exit_code);
  }
}
