// headlight ablate: what a text loses when heads are switched off.
#include <algorithm>
#include <memory>

#include "app/ablation_view.h"
#include "app/command.h"
#include "app/errors.h"
#include "app/json_view.h"
#include "app/parse.h"
#include "app/row_text.h"
#include "core/mapped_file.h"

namespace headlight::app {
namespace {

constexpr std::size_t kMostTokensListed = 5;

struct Options : TextOptions {
  std::string heads, how = "zero", with, corpus;
  std::optional<std::int64_t> query, layer;
  bool json = false;
};

/// The lines of a file that are not empty.
std::vector<std::string> lines_of(const std::string& path) {
  const std::string text = read_text_file(path);
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::size_t last = end > begin && text[end - 1] == '\r' ? end - 1 : end;
    if (last > begin) lines.push_back(text.substr(begin, last - begin));
    begin = end + 1;
  }
  check_request(!lines.empty(), "ablation", "{} holds no text; write one text in a line",
                printable(path, 300));
  return lines;
}

AblationRequest request_of(const Options& options) {
  const auto refuse_unless = [](bool ok, std::string_view message) {
    if (!ok) throw UsageError("ablation", message);
  };
  AblationRequest request;
  request.heads = parse_heads(options.heads);
  request.replacement = parse_replacement(options.how).value();  // CLI11 has checked it
  request.query = options.query;
  request.layer = options.layer;
  const bool resample = request.replacement == Replacement::resample;
  refuse_unless(resample == !options.with.empty(),
                resample ? "--how resample takes z from another text: give it with --with"
                         : "--with goes with --how resample");
  refuse_unless(options.corpus.empty() || request.replacement == Replacement::mean,
                "--corpus goes with --how mean");
  if (resample && !options.ids.empty())
    request.other.ids = parse_ids(options.with);
  else
    request.other.text = options.with;
  if (!options.corpus.empty()) request.corpus = lines_of(options.corpus);
  return request;
}

std::string heading_of(const LoadedModel& model, const AblationOutcome& outcome) {
  std::string heads;
  for (const auto& [layer, head, gate] : outcome.heads) {
    heads += fmt::format("{}{}.{}", heads.empty() ? "" : ", ", layer, head);
    if (gate > 0) heads += fmt::format("={:.3g}", gate);
  }
  const std::string what = outcome.replacement == Replacement::zero
                               ? "switched off"
                               : fmt::format("replaced ({})", name_of(outcome.replacement));
  return cut(fmt::format("{}, {}: {}", shown_piece(model.info.name), what, heads), kColumns) + "\n";
}

/// One line for each of the tokens whose final state turned most, and for the query.
std::string text_of_final(const AblationOutcome& outcome, const RowText& names,
                          const Style& style) {
  const auto after = row_changes(outcome.intact->last_hidden, outcome.after.last_hidden);
  const auto direct = row_changes(outcome.intact->last_hidden, outcome.direct);
  std::vector<std::size_t> order(after.size());
  for (std::size_t t = 0; t < order.size(); ++t) order[t] = t;
  std::ranges::stable_sort(order, {}, [&](std::size_t t) { return after[t].cosine; });
  const auto query = static_cast<std::size_t>(outcome.query);
  order.resize(std::min(order.size(), kMostTokensListed));
  std::erase(order, query);
  order.insert(order.begin(), query);
  std::string out = "\n" + style.bold("final hidden state") +
                    "            cosine   norm           direct estimate\n";
  for (const std::size_t t : order)
    out += fmt::format("{} {:7.4f}  {:.2f} -> {:.2f}  {:12.4f}\n",
                       fit(names.name(static_cast<std::int64_t>(t)), 28), after[t].cosine,
                       after[t].norm_before, after[t].norm_after, direct[t].cosine);
  return out;
}

std::string text_of_layers(const AblationOutcome& outcome, const RowText& names,
                           const Style& style) {
  std::string out = "\n" + style.bold("after each layer, at " + names.name(outcome.query)) +
                    "\nlayer  cosine  moved by (part of its length)\n";
  const auto row = static_cast<std::size_t>(outcome.query);
  for (std::size_t l = 0; l < outcome.intact->trace.layers.size(); ++l) {
    const VectorChange change = changes_of_layer(outcome, l)[row];
    const double part = change.norm_before > 0 ? change.difference / change.norm_before : 0;
    out += fmt::format("{:5}  {:.4f}  {:.4f} {}\n", l, change.cosine, part,
                       style.accent(bar(part, 20)));
  }
  return out;
}

std::string text_of_predictions(const LoadedModel& model, const AblationOutcome& outcome,
                                const RowText& names, const Style& style) {
  if (!outcome.predictions)
    return "\nThis model has no head for tokens: there are no predictions to lose.\n";
  const PredictionChange& change = *outcome.predictions;
  const auto line = [&](std::string_view label, const Prediction& each) {
    const std::string piece = "\"" + shown_piece(piece_of(model, each.id)) + "\"";
    return fmt::format("{:<7} {} {:.4f} -> {:.4f}  {:12.4f}\n", label, fit(piece, 24), each.before,
                       each.after, each.direct);
  };
  const std::string what = model.info.config.causal() ? "the token after " : "the token at ";
  std::string out = "\n" + style.bold("predictions of " + what + names.name(outcome.query)) +
                    "\n        probability                        direct estimate\n";
  for (const Prediction& each : change.best) out += line("best", each);
  for (const Prediction& each : change.lost) out += line("lost", each);
  for (const Prediction& each : change.gained) out += line("gained", each);
  return out + fmt::format("KL(intact || ablated) {:.4f} nats; by the direct estimate {:.4f}\n",
                           change.kl_after, change.kl_direct);
}

int run(const Options& options, const Globals& globals) {
  const Input input = options.input();
  const AblationRequest request = request_of(options);
  const LoadedModel model = options.load();
  const ModelRun intact = record_run(model.transformer, tokens_of(model, input), input.text,
                                     {.kernel = globals.kernel});
  const std::vector<Token>& tokens = intact.trace.tokens;
  const AblationOutcome outcome = run_ablation(model, intact, request, globals.kernel);
  if (options.json) {
    Json json = json_ablation(model, outcome);
    json["model"] = json_model(model.info);
    json["text"] = input.text;
    json["tokens"] = json_tokens(tokens);
    print_json(json);
    return 0;
  }
  const Style style = Style::of_stdout();
  const RowText names(tokens, 1, style);
  print(style.bold(heading_of(model, outcome)) + text_of_final(outcome, names, style) +
        text_of_layers(outcome, names, style) + text_of_predictions(model, outcome, names, style));
  return 0;
}

}  // namespace

void add_ablate(CommandLine& line) {
  auto options = std::make_shared<Options>();
  CLI::App* command = line.add(
      "ablate", "Switch heads off and say what the text lost, with the direct estimate beside it",
      "  headlight ablate --model stories15M --heads 0.3,2.1 \"Once upon a time\"\n"
      "  headlight ablate --model stories15M --heads 2.* --how mean \"Once upon a time\"\n"
      "  headlight ablate --model stories15M --heads 1.0=0.5 --how resample --with \"A dog ran\" "
      "\"A cat sat\"",
      [options, globals = &line.globals] { return run(*options, *globals); });
  options->add_to(*command);
  command
      ->add_option("--heads", options->heads,
                   "Heads, as layer.head, layer.* or layer.head=gate; gate 0 (off) unless given")
      ->required()
      ->type_name("L.H,...");
  command
      ->add_option("--how", options->how,
                   "What stands in for a head: zero, the mean of its z, or z of another text")
      ->check(CLI::IsMember({"zero", "mean", "resample"}))
      ->type_name("HOW");
  command->add_option("--with", options->with, "The other text (or ids) that --how resample reads")
      ->type_name("TEXT");
  command
      ->add_option("--corpus", options->corpus,
                   "Texts to take the mean over, one in a line (default: the text itself)")
      ->type_name("FILE");
  command
      ->add_option("--query", options->query,
                   "Token to look at (default: the first [MASK], else the text's last)")
      ->type_name("N");
  command
      ->add_option("--layer", options->layer,
                   "Layer whose attention output --json compares (default: the first changed)")
      ->type_name("L");
  command->add_flag("--json", options->json, "Print everything as JSON (docs/http-api.md)");
}

}  // namespace headlight::app
