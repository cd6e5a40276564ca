// headlight export: one view of the lab as a file that opens without a server.
#include "app/export_command.h"

#include <algorithm>
#include <memory>

#include "app/errors.h"
#include "app/export_page.h"
#include "app/parse.h"
#include "core/mapped_file.h"

namespace headlight::app {
namespace {

struct Options : TextOptions {
  std::int64_t layer = 0;
  std::optional<std::int64_t> query;
  std::string out;
  std::string against, against_ids, against_model, against_gate;
  std::optional<std::int64_t> against_layer, against_query;

  bool compares() const {
    return !against.empty() || !against_ids.empty() || !against_model.empty() ||
           !against_gate.empty();
  }
};

/// The body of POST /api/v1/traces.
Json posted(const std::string& model, const Input& input) {
  Json body = {{"model", model}};
  if (input.ids.empty())
    body["text"] = input.text;
  else
    body["ids"] = input.ids;
  return body;
}

Json run_trace(Lab& lab, const Json& body) {
  return json_of(lab.answer({true, "/api/v1/traces", {}, body.dump()}), "export");
}

std::int64_t first_query(const Json& trace) {
  const Json& tokens = trace["tokens"];
  for (std::size_t i = tokens.size(); i-- > 0;)
    if (!tokens[i]["special"].get<bool>()) return static_cast<std::int64_t>(i);
  return static_cast<std::int64_t>(tokens.size()) - 1;
}

/// As the page posts them: what is fully open is left out.
Json posted_gates(const std::string& text) {
  Json out = Json::object();
  for (const auto& [head, value] : parse_gates(text))
    if (value < 1) out[head] = value == 0 ? Json(0) : Json(value);
  return out;
}

/// Runs side B, which is side A but for what is given of it.
ExportAgainst run_against(Lab& lab, const Options& options, const std::string& model,
                          const Input& input, const ExportView& a) {
  check_request(options.against.empty() || options.against_ids.empty(), "export",
                "--against and --against-ids are two texts; give one");
  Input other = input;
  if (!options.against.empty() || !options.against_ids.empty()) other = {};
  if (!options.against.empty()) other.text = options.against;
  if (!options.against_ids.empty()) other.ids = parse_ids(options.against_ids);
  Json body = posted(options.against_model.empty() ? model : options.against_model, other);
  Json gates = posted_gates(options.against_gate);
  if (!gates.empty()) body["gates"] = gates;
  const Json trace = run_trace(lab, body);
  const std::int64_t layers = trace["model"]["n_layers"], length = trace["length"];
  const std::int64_t layer = options.against_layer.value_or(std::min(a.layer, layers - 1));
  const std::int64_t query = options.against_query.value_or(std::min(a.query, length - 1));
  check_index("export", "layer of the other side", layer, layers);
  check_index("export", "query of the other side", query, length);
  return {trace["id"], layer, query, std::move(gates)};
}

int run(const Options& options, const Globals& globals) {
  const Input input = options.input();
  check_request(input.pair.empty(), "export", "--pair is not exported; give one text");
  LabOptions lab_options;
  lab_options.default_model = resolve_model(options.model);
  lab_options.kernel = globals.kernel;
  const std::string name = lab_options.default_model->name;
  Lab lab(std::move(lab_options));
  const Json trace = run_trace(lab, posted(name, input));
  check_index("export", "layer", options.layer, trace["model"]["n_layers"]);
  const std::int64_t query = options.query.value_or(first_query(trace));
  check_index("export", "query", query, trace["length"]);
  ExportView view{.trace = trace["id"], .layer = options.layer, .query = query};
  if (options.compares()) view.against = run_against(lab, options, name, input, view);
  const std::string page = export_page(lab, view);
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
  command->add_option("--against", options->against, "Compare with this text")->type_name("TEXT");
  command->add_option("--against-ids", options->against_ids, "Compare with these token ids")
      ->type_name("IDS");
  command
      ->add_option("--against-model", options->against_model,
                   "Compare with this model, by the name that `models` lists")
      ->type_name("NAME");
  command
      ->add_option("--against-gate", options->against_gate,
                   "Compare with heads gated: layer.head=value in [0, 1]; 0 switches a head off")
      ->type_name("L.H=G,...");
  command->add_option("--against-layer", options->against_layer, "Layer of the other side")
      ->type_name("L");
  command->add_option("--against-query", options->against_query, "Token that looks there")
      ->type_name("N");
}

}  // namespace headlight::app
