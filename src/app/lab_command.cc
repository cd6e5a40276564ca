// headlight lab: the page and its API.
#include <memory>

#include "app/command.h"
#include "app/end_signals.h"
#include "app/errors.h"
#include "app/request_guard.h"
#include "app/server.h"

namespace headlight::app {
namespace {

struct Options {
  std::string model, token;
  ServerOptions server;
};

int run(const Options& options, const Globals& globals) {
  const std::string& host = options.server.host;
  ServerOptions server = options.server;
  if (options.token == "auto")
    server.token = AccessToken::random();
  else if (!options.token.empty())
    server.token = AccessToken(options.token);
  if (!is_loopback(host) && !server.token)
    throw UsageError("lab", fmt::format("{} is not the loopback: whoever reaches it could use the "
                                        "lab; give --token TEXT, or --token auto to have one made",
                                        printable(host)));
  LabOptions lab_options;
  lab_options.default_model = resolve_model(options.model);
  lab_options.kernel = globals.kernel;
  EndSignals signals;  // before the first thread
  Lab lab(std::move(lab_options));
  serve(server, lab, signals);
  return 0;
}

}  // namespace

void add_lab(CommandLine& line) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      line.add("lab", "Serve the lab page and print its address",
               "  headlight lab\n"
               "  headlight lab --model all-MiniLM-L6-v2 --port 0\n"
               "Without --model the page opens the model that the program comes with.",
               [options, globals = &line.globals] { return run(*options, *globals); });
  command->add_option("--model", options->model, "Model to open first, by folder or name")
      ->type_name("DIR");
  command->add_option("--port", options->server.port, "Port; 0 takes a free one (default: 8642)")
      ->check(CLI::Range(0, 65535))
      ->type_name("N");
  command->add_option("--host", options->server.host, "Address to listen on (default: 127.0.0.1)")
      ->type_name("ADDRESS");
  command
      ->add_option("--allow-host", options->server.hosts,
                   "Another name that browsers may use for this server")
      ->type_name("NAME");
  command
      ->add_option("--token", options->token,
                   "What every request has to show; \"auto\" makes one. Needed with a --host that "
                   "others can reach")
      ->type_name("TEXT");
}

}  // namespace headlight::app
