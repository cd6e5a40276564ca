// headlight show: for one query token, what every head reads, as bars and numbers.
#include <memory>

#include "app/command.h"
#include "app/errors.h"
#include "app/json_view.h"
#include "app/model_records.h"
#include "app/row_text.h"
#include "app/statistics_view.h"
#include "inspect/trace.h"
#include "kernels/attention/attention.h"

namespace headlight::app {
namespace {

struct Options : TextOptions {
  std::optional<std::int64_t> layer, head, query;
  std::int64_t top = 3;
  bool verbose = false, json = false;
};

/// What was asked for, once the model is known.
struct Selection {
  std::int64_t query, first_layer, last_layer;
  std::optional<std::int64_t> head;
};

Selection selection_of(const Options& options, const Trace& trace) {
  if (options.layer) check_index("show", "layer", *options.layer, trace.config.n_layers);
  if (options.head) check_index("show", "head", *options.head, trace.config.n_heads);
  if (options.query) check_index("show", "query", *options.query, trace.length());
  return {options.query.value_or(default_query(trace.tokens)), options.layer.value_or(0),
          options.layer.value_or(trace.config.n_layers - 1), options.head};
}

/// The roles of the heads that are shown.
std::vector<Role> roles_of(const ModelInfo& info, const Selection& chosen) {
  std::vector<Role> roles = read_roles(info);
  std::erase_if(roles, [&](const Role& role) {
    return role.layer < chosen.first_layer || role.layer > chosen.last_layer ||
           (chosen.head && role.head != *chosen.head);
  });
  return roles;
}

Json json_of(const ModelInfo& info, const Trace& trace, const Selection& chosen) {
  Json layers = Json::array();
  for (std::int64_t l = chosen.first_layer; l <= chosen.last_layer; ++l)
    layers.push_back(json_rows(trace, l, chosen.query, chosen.head));
  return {{"model", json_model(info)},
          {"text", trace.text},
          {"tokens", json_tokens(trace.tokens)},
          {"layers", std::move(layers)},
          {"statistics", json_statistics(trace)},
          {"roles", json_roles(roles_of(info, chosen))},
          {"attention", to_string(trace.attention)},
          {"kernels", json_kernels(trace.attention)}};
}

/// Which kernel ran; with -v also, a line each, why those before it in the list did not.
std::string text_of_kernels(const AttentionReport& report, bool verbose) {
  std::string out = fmt::format("attention ran {}/{}", report.kernel, report.isa);
  if (!verbose && !report.declined.empty()) out += " (-v says why no other kernel did)";
  out += "\n";
  for (const auto& [kernel, reason] : report.declined)
    if (verbose) out += cut(fmt::format("  {} declined: {}", kernel, reason), kColumns) + "\n";
  return out;
}

std::string text_of_layer(const Trace& trace, const Selection& chosen, std::int64_t layer,
                          const RowText& text, const Style& style) {
  const Tensor rows = query_rows(trace, layer, chosen.query);
  const std::vector<double> entropies = row_entropies(rows);
  const auto length = static_cast<std::size_t>(trace.length());
  const auto row_of = [&](std::int64_t h) {
    return rows.span<float>().subspan(static_cast<std::size_t>(h) * length, length);
  };
  std::string out;
  if (chosen.head) {
    out +=
        "\n" + style.bold(fmt::format("layer {}, head {}", layer, *chosen.head)) +
        fmt::format("; entropy {:.2f} nats\n", entropies[static_cast<std::size_t>(*chosen.head)]);
    return out + text.full(row_of(*chosen.head));
  }
  out += "\n" + style.bold(fmt::format("layer {}\n", layer)) + text.heading("head");
  for (std::int64_t h = 0; h < trace.config.n_heads; ++h)
    out += text.compact(std::to_string(h), entropies[static_cast<std::size_t>(h)], row_of(h));
  const Tensor average = average_of_heads(rows);
  Tensor one({1, trace.length()});
  std::ranges::copy(average.span<float>(), one.span<float>().begin());
  out += style.dim("average of heads (a summary, not a head)\n");
  return out + text.compact("", row_entropies(one).front(), average.span<float>());
}

/// A line for each role of a layer's heads; nothing when there is none.
std::string text_of_roles(std::span<const Role> roles, std::int64_t layer, const Style& style) {
  std::string out;
  for (const Role& role : roles) {
    if (role.layer != layer) continue;
    const std::string relation = fmt::format("{} ({})", role.relation, role.language);
    out += fmt::format("{:>3} {:<20} looks at {:<19}{:>4.0f} % ({:>3.0f} %){:>5.0f} points\n",
                       role.head, relation, partner_of(role.relation), 100 * role.looks,
                       100 * role.fixed_offset, 100 * role.cost);
  }
  if (out.empty()) return out;
  return style.dim("roles, as measured: how often (fixed offset), lost without the head") + "\n" +
         out;
}

std::string text_of(const Options& options, const ModelInfo& info, const Trace& trace,
                    const Selection& chosen) {
  constexpr std::size_t kMostTokens = 60;
  const Style style = Style::of_stdout();
  const RowText text(trace.tokens, options.top, style);
  const ModelConfig& c = info.config;
  std::string out = style.bold(cut(shown_piece(info.name), 40)) +
                    fmt::format(": {}, {}", name_of(c.family), heads_text(c));
  out += "\n" + text_of_kernels(trace.attention, options.verbose);
  out += fmt::format("\n{} tokens: index, piece, bytes of the text\n", trace.length());
  out += text.token_table(options.verbose ? trace.tokens.size() : kMostTokens);
  out += "\n" + style.bold("query " + text.name(chosen.query));
  if (!options.query) out += "\n(the last token of the text; --query N picks another)";
  out += "\n";
  const std::vector<Role> roles = roles_of(info, chosen);
  for (std::int64_t l = chosen.first_layer; l <= chosen.last_layer; ++l)
    out += text_of_layer(trace, chosen, l, text, style) + text_of_roles(roles, l, style);
  return out;
}

int run(const Options& options, const Globals& globals) {
  const auto [model, trace] = record(options, options.input(), globals);
  const Selection chosen = selection_of(options, trace);
  if (options.json)
    print_json(json_of(model.info, trace, chosen));
  else
    print(text_of(options, model.info, trace, chosen));
  return 0;
}

}  // namespace

void add_show(CommandLine& line) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      line.add("show", "Show what a token reads, head by head, as bars and numbers",
               "  headlight show \"The animal didn't cross the street because it was too tired.\" "
               "--query 8\n"
               "  headlight show --model stories15M \"Once upon a time\" --layer 2 --head 4\n"
               "  headlight show --model gpt2-basic --ids 17,4,200 --query 1 --json",
               [options, globals = &line.globals] { return run(*options, *globals); });
  options->add_to(*command);
  options->add_gate_to(*command);
  command->add_option("--layer", options->layer, "Only this layer")->type_name("L");
  command->add_option("--head", options->head, "Only this head, its whole row")->type_name("H");
  command->add_option("--query", options->query, "The token that reads (default: the text's last)")
      ->type_name("N");
  command->add_option("--top", options->top, "Targets to name for each head (default: 3)")
      ->check(CLI::Range(1, 1000))
      ->type_name("K");
  command->add_flag("-v,--verbose", options->verbose,
                    "List all tokens of a long text, and why other kernels did not run");
  command->add_flag("--json", options->json, "Print everything as JSON (docs/http-api.md)");
}

}  // namespace headlight::app
