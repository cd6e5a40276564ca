// headlight pattern: rows of one head's pattern, recomputed from a trace.
#include <map>
#include <memory>

#include "app/command.h"
#include "app/errors.h"
#include "app/json_view.h"
#include "app/parse.h"
#include "app/row_text.h"
#include "inspect/trace.h"
#include "io/safetensors.h"

namespace headlight::app {
namespace {

struct Options {
  std::string trace, rows, out;
  std::int64_t layer = 0, head = 0, top = 3;
  bool json = false;
};

RowRange range_of(const Options& options, const Trace& trace) {
  if (options.rows.empty()) return {0, trace.length()};
  const auto range = parse_rows(options.rows, trace.length());
  check_request(range.has_value(), "pattern",
                "rows \"{}\" are not in the trace; write a:b with 0 <= a < b <= {}",
                printable(options.rows), trace.length());
  return *range;
}

Json json_of(const Options& options, RowRange range, const Tensor& pattern) {
  Json rows = Json::array();
  const auto values = pattern.span<float>();
  const auto length = static_cast<std::size_t>(pattern.dim(1));
  for (std::size_t i = 0; i < values.size(); i += length) {
    Json row = Json::array();
    for (float value : values.subspan(i, length)) row.push_back(json_number(value));
    rows.push_back(std::move(row));
  }
  return {{"layer", options.layer},
          {"head", options.head},
          {"row_begin", range.begin},
          {"row_end", range.end},
          {"pattern", std::move(rows)}};
}

std::string text_of(const Options& options, const Trace& trace, RowRange range,
                    const Tensor& pattern) {
  const Style style = Style::of_stdout();
  const RowText text(trace.tokens, options.top, style);
  const std::vector<double> entropies = row_entropies(pattern);
  const auto length = static_cast<std::size_t>(trace.length());
  std::string out = style.bold(fmt::format("layer {}, head {}, rows {}:{} of {}\n", options.layer,
                                           options.head, range.begin, range.end, trace.length()));
  out += text.heading("row");
  for (std::int64_t q = range.begin; q < range.end; ++q) {
    const auto i = static_cast<std::size_t>(q - range.begin);
    out += text.compact(std::to_string(q), entropies[i],
                        pattern.span<float>().subspan(i * length, length));
  }
  return out;
}

int run(const Options& options) {
  const Trace trace = load_trace(options.trace);
  check_index("pattern", "layer", options.layer, trace.config.n_layers);
  check_index("pattern", "head", options.head, trace.config.n_heads);
  const RowRange range = range_of(options, trace);
  const Tensor pattern = pattern_rows(trace, options.layer, options.head, range.begin, range.end);
  if (!options.out.empty()) {
    const std::map<std::string, std::string> about = {{"layer", std::to_string(options.layer)},
                                                      {"head", std::to_string(options.head)},
                                                      {"row_begin", std::to_string(range.begin)},
                                                      {"row_end", std::to_string(range.end)}};
    write_safetensors(options.out, {{"pattern", pattern}}, about);
  }
  if (options.json)
    print_json(json_of(options, range, pattern));
  else if (options.out.empty())
    print(text_of(options, trace, range, pattern));
  else
    print(fmt::format("wrote {}: pattern {}\n", printable(options.out, 300),
                      to_string(pattern.shape())));
  return 0;
}

}  // namespace

void add_pattern(CommandLine& line) {
  auto options = std::make_shared<Options>();
  CLI::App* command = line.add(
      "pattern", "Print rows of a head's pattern, recomputed exactly from a trace",
      "  headlight pattern --trace t.safetensors --layer 3 --head 7 --rows 4:8\n"
      "  headlight pattern --trace t.safetensors --layer 3 --head 7 --out pattern.safetensors",
      [options] { return run(*options); });
  command->add_option("--trace", options->trace, "File that `headlight trace` wrote")
      ->required()
      ->type_name("FILE");
  command->add_option("--layer", options->layer, "Layer")->required()->type_name("L");
  command->add_option("--head", options->head, "Head")->required()->type_name("H");
  command->add_option("--rows", options->rows, "Query rows a to b - 1 (default: all)")
      ->type_name("A:B");
  command->add_option("--top", options->top, "Targets to name for each row (default: 3)")
      ->check(CLI::Range(1, 1000))
      ->type_name("K");
  command->add_option("--out", options->out, "Write the rows to a safetensors file instead")
      ->type_name("FILE");
  command->add_flag("--json", options->json, "Print the rows as JSON");
}

}  // namespace headlight::app
