// headlight concat: what each head puts side by side at a token, and what it adds through W_O.
#include <memory>

#include "app/command.h"
#include "app/json_view.h"
#include "app/row_text.h"
#include "inspect/concat.h"

namespace headlight::app {
namespace {

struct Options : TextOptions {
  std::int64_t layer = 0;
  std::optional<std::int64_t> query;
  bool json = false;
};

std::string text_of(const LoadedModel& model, const Trace& trace, std::int64_t layer,
                    std::int64_t query) {
  const Concat concat = concat_at(model.transformer, trace, layer, query);
  const Style style = Style::of_stdout();
  const ModelConfig& c = trace.config;
  std::string out = style.bold(cut(
      fmt::format("{}, layer {}, at {}: {} heads x {} = {} numbers", shown_piece(model.info.name),
                  layer, RowText(trace.tokens, 1, style).name(query), c.n_heads, c.head_dim,
                  c.n_heads * c.head_dim),
      kColumns));
  out += "\n" + style.dim("head    adds a vector of norm  cosine with the sum  share of the sum\n");
  const auto line = [&](const std::string& label, const AddedVector& added) {
    return fmt::format("{:<6} {:23.4f} {:20.4f} {:17.4f} {}\n", label, added.norm, added.cosine,
                       added.share, style.accent(bar(added.share, 8)));
  };
  for (std::size_t h = 0; h < concat.heads.size(); ++h)
    out += line(std::to_string(h), concat.heads[h]);
  if (model.transformer.b_o(layer)) out += line("b_O", concat.b_o);
  const AddedVector sum = added_vector(concat.out.span<float>(), concat.out.span<float>());
  return out + line("sum", sum);
}

int run(const Options& options, const Globals& globals) {
  const auto [model, trace] = record(options, options.input(), globals);
  check_index("concat", "layer", options.layer, trace.config.n_layers);
  if (options.query) check_index("concat", "query", *options.query, trace.length());
  const std::int64_t query = options.query.value_or(default_query(trace.tokens));
  if (options.json)
    print_json(json_concat(model.transformer, trace, options.layer, query));
  else
    print(text_of(model, trace, options.layer, query));
  return 0;
}

}  // namespace

void add_concat(CommandLine& line) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      line.add("concat", "Show what each head of a layer adds at a token, through concat and W_O",
               "  headlight concat --model all-MiniLM-L6-v2 --layer 3 \"The animal was tired.\"\n"
               "  headlight concat --model gpt2-basic --layer 1 --ids 17,4,200 --query 1 --json",
               [options, globals = &line.globals] { return run(*options, *globals); });
  options->add_to(*command);
  options->add_gate_to(*command);
  command->add_option("--layer", options->layer, "Layer")->required()->type_name("L");
  command->add_option("--query", options->query, "The token (default: the text's last)")
      ->type_name("N");
  command->add_flag("--json", options->json,
                    "Print z, every head's vector and what each source gives as JSON");
}

}  // namespace headlight::app
