// headlight models: which models are found where, what they are, and what is wrong with the others.
#include <memory>
#include <set>

#include "app/command.h"
#include "app/errors.h"
#include "app/json_view.h"
#include "app/terminal.h"

namespace headlight::app {
namespace {

struct Options {
  std::vector<std::string> folders;
  bool json = false;
};

/// A listed model: what it is, or why it cannot be used.
struct Entry {
  ModelFolder model;
  std::optional<ModelInfo> info;
  std::string problem;
  bool shadowed = false;  ///< an earlier model has this name; reach this one by its folder
};

Entry survey(const ModelFolder& model) {
  Entry entry{model, std::nullopt, "", false};
  try {
    entry.info = survey_model(model);
  } catch (...) {
    entry.problem = describe(std::current_exception()).message;
  }
  return entry;
}

std::vector<std::filesystem::path> places_of(const Options& options) {
  if (options.folders.empty()) return search_places();
  std::vector<std::filesystem::path> places(options.folders.begin(), options.folders.end());
  for (const auto& place : places)
    check(std::filesystem::is_directory(place), "models", "{} is not a folder",
          printable(place.string(), 300));
  return places;
}

Json json_of(const Entry& entry) {
  Json out =
      entry.info ? json_model(*entry.info) : Json{{"name", printable(entry.model.name, 300)}};
  out["folder"] = printable(entry.model.folder.path().string(), 4096);
  out["error"] = entry.info ? Json() : Json(entry.problem);
  out["shadowed"] = entry.shadowed;
  return out;
}

std::string count_text(std::int64_t n) {
  const auto x = static_cast<double>(n);
  if (x >= 1e9) return fmt::format("{:.1f}B", x / 1e9);
  if (x >= 1e6) return fmt::format("{:.1f}M", x / 1e6);
  return x >= 1e3 ? fmt::format("{:.0f}K", x / 1e3) : std::to_string(n);
}

std::string text_of(const ModelInfo& info) {
  const ModelConfig& c = info.config;
  return fmt::format("{}, {}, d_model {}, {} parameters\n  {}; ", name_of(c.family), heads_text(c),
                     c.d_model, count_text(info.n_parameters),
                     info.tokenizer.value_or("no tokenizer"));
}

/// The name stands alone and whole: it is there to be copied.
std::string text_of(const Entry& entry, const Style& style) {
  std::string out = style.bold(shown_piece(entry.model.name)) + "\n  ";
  out += entry.info ? text_of(*entry.info) : fmt::format("cannot be used: {}\n  ", entry.problem);
  out += style.dim(printable(entry.model.folder.path().string(), 4096)) + "\n";
  if (entry.shadowed) out += "  an earlier model has this name: give the folder to use this one\n";
  return out;
}

std::string text_of(const std::vector<Entry>& entries,
                    const std::vector<std::filesystem::path>& places) {
  const Style style = Style::of_stdout();
  std::string out;
  if (entries.empty()) {
    out = "no model was found in:\n";
    for (const auto& place : places) out += "  " + printable(place.string(), 4096) + "\n";
    return out + "put model folders into one of them, or name their place in HEADLIGHT_MODELS\n";
  }
  for (const Entry& entry : entries) out += text_of(entry, style);
  return out;
}

int run(const Options& options) {
  const auto places = places_of(options);
  std::vector<Entry> entries;
  std::set<std::string> names;
  const auto models_there = options.folders.empty() ? list_known_models() : list_models(places);
  for (const ModelFolder& model : models_there) {
    entries.push_back(survey(model));
    entries.back().shadowed = !names.insert(model.name).second;
  }
  if (!options.json) {
    print(text_of(entries, places));
    return 0;
  }
  Json models = Json::array(), searched = Json::array();
  for (const Entry& entry : entries) models.push_back(json_of(entry));
  for (const auto& place : places) searched.push_back(printable(place.string(), 4096));
  print_json({{"models", std::move(models)}, {"searched", std::move(searched)}});
  return 0;
}

}  // namespace

void add_models(CommandLine& line) {
  auto options = std::make_shared<Options>();
  CLI::App* command = line.add(
      "models", "List the models that are found, where, and what they are",
      "  headlight models\n"
      "  headlight models ~/my-models --json\n"
      "The first is built in, and is what commands use when no --model is given.\n"
      "Searched by default: HEADLIGHT_MODELS (folders separated by colons), ./models, the shared\n"
      "models (HEADLIGHT_SHARED or ../shared), and the Hugging Face cache.",
      [options] { return run(*options); });
  command->add_option("DIR", options->folders, "Folders to search instead")->type_name("");
  command->add_flag("--json", options->json, "Print the list as JSON");
}

}  // namespace headlight::app
