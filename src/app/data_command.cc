// headlight data: sentences of the micro-world, and vocabularies learned from text.
#include <algorithm>
#include <limits>
#include <memory>

#include "app/command.h"
#include "app/data_text.h"
#include "app/errors.h"
#include "train/micro_world.h"
#include "train/tokenizer_files.h"

namespace headlight::app {
namespace {

struct SentenceOptions {
  std::int64_t count = 10, first = 0;
  std::uint64_t seed = 1;
  std::string split = "train";
  std::vector<std::string> languages, relations;
  bool labels = false, json = false;
};

MicroWorldConfig config_of(const SentenceOptions& options) {
  MicroWorldConfig config{.seed = options.seed,
                          .split = options.split == "heldout" ? Split::heldout : Split::train};
  // The names were checked when the options were read.
  if (!options.languages.empty()) config.languages.clear();
  for (const std::string& name : options.languages)
    config.languages.push_back(*language_named(name));
  for (const std::string& name : options.relations)
    config.relations.push_back(*relation_named(name));
  return config;
}

int run_sentences(const SentenceOptions& options) {
  const MicroWorld world(config_of(options));
  const Style style = Style::of_stdout();
  for (std::int64_t i = 0; i < options.count; ++i) {
    const MicroSentence sentence = world.sentence(static_cast<std::uint64_t>(options.first + i));
    if (options.json)
      print_json(json_sentence(sentence));
    else if (options.labels)
      print(text_with_labels(sentence, style) + (i + 1 < options.count ? "\n" : ""));
    else
      print(sentence.text + "\n");
  }
  return 0;
}

template <class Value, std::size_t N>
std::vector<std::string> names_of(const Value (&values)[N]) {
  std::vector<std::string> names;
  for (const Value value : values) names.emplace_back(name_of(value));
  return names;
}

void add_sentences(CommandLine& line) {
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max() / 2;
  auto options = std::make_shared<SentenceOptions>();
  CLI::App* command = line.add("micro-world", "Print sentences whose relations are known",
                               "  headlight data micro-world --n 20 --labels\n"
                               "  headlight data micro-world --lang zh --relation coreference\n"
                               "  headlight data micro-world --n 1000 --split heldout --json",
                               [options] { return run_sentences(*options); });
  command->add_option("--n", options->count, "How many sentences (default: 10)")
      ->check(CLI::Range(std::int64_t{1}, kMost))
      ->type_name("N");
  command->add_option("--first", options->first, "Index of the first (default: 0)")
      ->check(CLI::Range(std::int64_t{0}, kMost))
      ->type_name("N");
  command->add_option("--seed", options->seed, "Which sequence (default: 1)")->type_name("N");
  command->add_option("--split", options->split, "train or heldout (default: train)")
      ->check(CLI::IsMember({"train", "heldout"}))
      ->type_name("SPLIT");
  command->add_option("--lang", options->languages, "Only this language: en or zh")
      ->check(CLI::IsMember(names_of(kLanguages)))
      ->type_name("LANG");
  command->add_option("--relation", options->relations, "Only sentences that ask for this relation")
      ->check(CLI::IsMember(names_of(kRelations)))
      ->type_name("NAME");
  command->add_flag("--labels", options->labels, "Draw the relations and the words to predict");
  command->add_flag("--json", options->json, "Print one JSON object a line, labels included");
}

struct VocabularyOptions {
  std::vector<std::string> data;
  std::size_t size = 8192;
  std::string use = "generate", out;
  bool micro_world = false;
};

int run_vocabulary(const VocabularyOptions& options) {
  if (options.micro_world != options.data.empty())
    throw UsageError("data vocabulary", options.micro_world
                                            ? "give --data or --micro-world, not both"
                                            : "give text files (--data), or --micro-world");
  TokenizerFiles files;
  if (options.micro_world) {
    files = micro_world_tokenizer_files();
  } else {
    const TokenizerUse use = options.use == "fill" ? TokenizerUse::fill : TokenizerUse::generate;
    const std::vector<std::filesystem::path> paths(options.data.begin(), options.data.end());
    files = byte_level_bpe_files(learn_byte_level_bpe(paths, options.size, use), use);
  }
  write_tokenizer_files(files, options.out);
  print(fmt::format("wrote {}/tokenizer.json: {} pieces\n", printable(options.out, 300),
                    files.tokenizer["model"]["vocab"].size()));
  return 0;
}

void add_vocabulary(CommandLine& line) {
  auto options = std::make_shared<VocabularyOptions>();
  CLI::App* command =
      line.add("vocabulary", "Learn a byte-level BPE from text files, as a tokenizer.json",
               "  headlight data vocabulary --data book.txt --size 4096 --out my-model\n"
               "  headlight data vocabulary --micro-world --out my-model",
               [options] { return run_vocabulary(*options); });
  command->add_option("--data", options->data, "Text files, UTF-8")->type_name("FILE...");
  command->add_option("--size", options->size, "Pieces at most (default: 8192)")
      ->check(CLI::Range(1, 1 << 24))
      ->type_name("N");
  command
      ->add_option("--for", options->use,
                   "generate (GPT-like) or fill (BERT-like): decides the special tokens")
      ->check(CLI::IsMember({"generate", "fill"}))
      ->type_name("USE");
  command->add_flag("--micro-world", options->micro_world,
                    "The tokenizer of the micro-world's lexicon instead");
  command->add_option("--out", options->out, "Folder to write to")->required()->type_name("DIR");
}

}  // namespace

void add_data(CommandLine& line) {
  CLI::App* command =
      line.app.add_subcommand("data", "Make training data: sentences, vocabularies");
  command->fallthrough();
  command->require_subcommand(1);
  CommandLine inner{*command, line.globals, line.chosen};
  add_sentences(inner);
  add_vocabulary(inner);
}

}  // namespace headlight::app
