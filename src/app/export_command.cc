// headlight export: one view of the lab as a file that opens without a server.
#include "app/export_command.h"

#include <memory>

#include "app/errors.h"
#include "app/export_page.h"
#include "core/mapped_file.h"

namespace headlight::app {
namespace {

struct Options : TextOptions {
  std::int64_t layer = 0;
  std::optional<std::int64_t> query;
  std::string out;
};

/// The body of POST /api/v1/traces.
std::string posted(const std::string& model, const Input& input) {
  Json body = {{"model", model}};
  if (input.ids.empty())
    body["text"] = input.text;
  else
    body["ids"] = input.ids;
  return body.dump();
}

std::int64_t first_query(const Json& trace) {
  const Json& tokens = trace["tokens"];
  for (std::size_t i = tokens.size(); i-- > 0;)
    if (!tokens[i]["special"].get<bool>()) return static_cast<std::int64_t>(i);
  return static_cast<std::int64_t>(tokens.size()) - 1;
}

int run(const Options& options, const Globals& globals) {
  const Input input = options.input();
  check_request(input.pair.empty(), "export", "--pair is not exported; give one text");
  LabOptions lab_options;
  lab_options.default_model = resolve_model(options.model);
  lab_options.kernel = globals.kernel;
  const std::string name = lab_options.default_model->name;
  Lab lab(std::move(lab_options));
  const Json trace =
      json_of(lab.answer({true, "/api/v1/traces", {}, posted(name, input)}), "export");
  check_index("export", "layer", options.layer, trace["model"]["n_layers"]);
  const std::int64_t query = options.query.value_or(first_query(trace));
  check_index("export", "query", query, trace["length"]);
  const std::string page =
      export_page(lab, {.trace = trace["id"], .layer = options.layer, .query = query});
  write_text_file(options.out, page);
  print(fmt::format("{}: {:.1f} MB, opens in a browser without a server\n", options.out,
                    static_cast<double>(page.size()) / 1e6));
  return 0;
}

}  // namespace

void add_export(CommandLine& line) {
  auto options = std::make_shared<Options>();
  CLI::App* command = line.add(
      "export", "Write one view of the lab as a single HTML file, to be opened anywhere",
      "  headlight export --model stories15M --layer 2 --out view.html \"Once upon a time\"",
      [options, globals = &line.globals] { return run(*options, *globals); });
  options->add_to(*command);
  command->add_option("--layer", options->layer, "Layer that it opens with (default: 0)")
      ->type_name("L");
  command->add_option("--query", options->query, "Token that looks (default: the text's last)")
      ->type_name("N");
  command->add_option("--out", options->out, "The file")->required()->type_name("FILE");
}

}  // namespace headlight::app
