// headlight relations: what a model's heads have to do with the micro-world's relations.
#include <memory>

#include "app/ability_text.h"
#include "app/command.h"
#include "app/errors.h"
#include "app/progress_bar.h"
#include "core/mapped_file.h"
#include "train/measure_abilities.h"

namespace headlight::app {
namespace {

struct Options {
  std::string model, out;
  AbilityOptions asked;
  bool looks_only = false, json = false, markdown = false;
};

int run(const Options& options) {
  const LoadedModel model = load_model(resolve_model(options.model));
  check_request(model.tokenizer != nullptr, "relations", "{} has no tokenizer",
                printable(model.info.name, 300));
  AbilityOptions asked = options.asked;
  asked.removals = !options.looks_only;
  Abilities abilities;
  {
    ProgressBar bar;
    asked.progress = [&](std::int64_t done, std::int64_t total) {
      bar.show(done, total, "passes without heads");
    };
    abilities = measure_abilities(model.transformer, *model.tokenizer, asked);
  }
  const Json json = to_json(abilities);
  if (!options.out.empty()) write_text_file(options.out, json.dump() + "\n");
  if (options.json)
    print_json(json);
  else if (options.markdown)
    print(ability_markdown(abilities));
  else
    print(ability_text(abilities, Style::of_stdout()));
  return 0;
}

}  // namespace

void add_relations(CommandLine& line) {
  auto options = std::make_shared<Options>();
  CLI::App* command = line.add(
      "relations", "Measure which relations a model knows, and by which heads",
      "  headlight relations\n"
      "  headlight relations --model trained/lumen --out trained/lumen/abilities.json\n"
      "  headlight relations --model trained/lumen --looks-only --sentences 200\n"
      "\"looks there\": how often the best head's strongest target is the word that the\n"
      "relation leads to; \"fixed offset\": how often a head that always looked so far ahead\n"
      "or back would meet it; \"costliest\": the head without which most is lost, and how many\n"
      "points when its z is replaced by zero, by a mean, and by another sentence's. Takes\n"
      "about two minutes. docs/training.md says more.",
      [options] { return run(*options); });
  command
      ->add_option("--model", options->model,
                   "A model of the micro-world's words (default: the built-in one)")
      ->type_name("DIR");
  command->add_option("--sentences", options->asked.sentences, "Held-out sentences (default: 1000)")
      ->check(CLI::Range(1, 1000000))
      ->type_name("N");
  command->add_option("--seed", options->asked.seed, "Which sentences these are (default: 1)")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{1} << 53))
      ->type_name("N");
  command->add_flag("--looks-only", options->looks_only, "Remove no heads: done in seconds");
  command->add_option("--out", options->out, "Also write every number to this file, as JSON")
      ->type_name("F.json");
  auto* json = command->add_flag("--json", options->json, "Print every number as JSON");
  command->add_flag("--markdown", options->markdown, "Print tables for a document")->excludes(json);
}

}  // namespace headlight::app
