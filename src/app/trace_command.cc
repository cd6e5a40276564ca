// headlight trace: everything a run leaves behind (never the pattern), in a safetensors file.
#include <memory>

#include "app/command.h"
#include "app/errors.h"
#include "inspect/trace.h"

namespace headlight::app {
namespace {

struct Options : ModelOptions {
  std::string out;
  bool json = false;
};

int run(const Options& options, const Globals& globals) {
  const auto [model, trace] = record(options, options.input(), globals);
  save_trace(trace, options.out);
  const std::string ran = to_string(trace.attention);
  if (options.json)
    print_json({{"out", options.out},
                {"length", trace.length()},
                {"n_layers", trace.config.n_layers},
                {"n_heads", trace.config.n_heads},
                {"attention", ran}});
  else
    print(fmt::format("wrote {}: {} tokens, {}; {}\n", printable(options.out, 300), trace.length(),
                      heads_text(trace.config), ran));
  return 0;
}

}  // namespace

void add_trace(CommandLine& line) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      line.add("trace", "Run a model once and keep q, k, v, lse and z of every block",
               "  headlight trace --model all-MiniLM-L6-v2 --text \"The animal was tired.\" --out "
               "t.safetensors\n"
               "  headlight pattern --trace t.safetensors --layer 3 --head 7",
               [options, globals = &line.globals] { return run(*options, *globals); });
  options->add_to(*command);
  command->add_option("--out", options->out, "safetensors file to write")
      ->required()
      ->type_name("FILE");
  command->add_flag("--json", options->json, "Print what was written as JSON");
}

}  // namespace headlight::app
