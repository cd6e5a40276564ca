// headlight relations: what a model's heads have to do with the micro-world's relations.
#include <algorithm>
#include <memory>

#include "app/command.h"
#include "app/errors.h"
#include "app/terminal.h"
#include "train/relation_report.h"

namespace headlight::app {
namespace {

struct Options {
  std::string model;
  RelationReportOptions report;
  bool json = false;
};

std::string head_name(std::size_t index, std::int64_t n_heads) {
  const auto i = static_cast<std::int64_t>(index);
  return fmt::format("{}.{}", i / n_heads, i % n_heads);
}

Json json_of(const RelationReport& r) {
  return {{"language", name_of(r.language)},
          {"relation", name_of(r.relation)},
          {"asked", r.asked},
          {"right", r.right},
          {"pairs", r.pairs},
          {"heads", r.heads},
          {"fixed_offset", r.fixed_offset},
          {"offset", r.offset},
          {"right_without", r.right_without}};
}

std::string percent(std::int64_t part, std::int64_t of) {
  if (of == 0) return "-";
  return fmt::format("{:.1f} %", 100 * static_cast<double>(part) / static_cast<double>(of));
}

/// The head without which most is lost, and what is right then.
std::string costliest(const RelationReport& r, std::int64_t n_heads) {
  if (r.right_without.empty() || r.asked == 0) return "";
  const auto least = std::ranges::min_element(r.right_without);
  const auto index = static_cast<std::size_t>(least - r.right_without.begin());
  return fmt::format("{} without {}", percent(*least, r.asked), head_name(index, n_heads));
}

std::string text_of(const std::vector<RelationReport>& reports, const Style& style,
                    std::int64_t n_heads) {
  std::string out =
      style.bold(fmt::format("{:<19}{:>6}{:>9}  {:<15}{:<16}{}\n", "relation", "asked", "right",
                             "head that looks", "fixed offset", "costliest head"));
  for (const RelationReport& r : reports) {
    const std::string looks = r.pairs > 0
                                  ? fmt::format("{} {:.0f} %", head_name(r.best_head(), n_heads),
                                                100 * r.heads[r.best_head()])
                                  : "-";
    const std::string offset =
        r.pairs > 0 ? fmt::format("{:+} {:.0f} %", r.offset, 100 * r.fixed_offset) : "-";
    out += fmt::format("{} {:<16}{:>6}{:>9}  {:<15}{:<16}{}\n", name_of(r.language),
                       name_of(r.relation), r.asked, percent(r.right, r.asked), looks, offset,
                       costliest(r, n_heads));
  }
  return out;
}

int run(const Options& options) {
  const LoadedModel model = load_model(resolve_model(options.model));
  check_request(model.tokenizer != nullptr, "relations", "{} has no tokenizer",
                printable(options.model, 300));
  const auto reports = relation_reports(model.transformer, *model.tokenizer, options.report);
  if (options.json) {
    Json list = Json::array();
    for (const RelationReport& r : reports) list.push_back(json_of(r));
    print_json({{"n_heads", model.info.config.n_heads}, {"relations", std::move(list)}});
  } else {
    print(text_of(reports, Style::of_stdout(), model.info.config.n_heads));
  }
  return 0;
}

}  // namespace

void add_relations(CommandLine& line) {
  auto options = std::make_shared<Options>();
  CLI::App* command = line.add(
      "relations", "Measure which relations a model knows, and by which heads",
      "  headlight relations --model trained/lumen\n"
      "  headlight relations --model trained/lumen --sentences 4000 --json\n"
      "\"head that looks\": how often the best head's strongest target is the word that the\n"
      "relation leads to; \"fixed offset\": how often a head that always looked so far ahead\n"
      "or back would meet it. docs/training.md says more.",
      [options] { return run(*options); });
  command->add_option("--model", options->model, "A model of the micro-world's words")
      ->required()
      ->type_name("DIR");
  command
      ->add_option("--sentences", options->report.sentences, "Held-out sentences (default: 1000)")
      ->check(CLI::Range(1, 1000000))
      ->type_name("N");
  command->add_flag("--json", options->json, "Print everything, every head's numbers, as JSON");
}

}  // namespace headlight::app
