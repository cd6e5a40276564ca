#include "app/model_catalog.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "app/built_in_files.h"
#include "app/errors.h"
#include "io/nearest_name.h"
#include "model/tokenizer.h"
#include "model/weights.h"

namespace headlight::app {
namespace {
namespace fs = std::filesystem;

/// An environment variable; nothing when it is unset or empty.
std::optional<std::string> environment(const char* name) {
  const char* value = std::getenv(name);
  if (!value || !*value) return std::nullopt;
  return value;
}

fs::path hub_cache() {
  if (auto cache = environment("HF_HUB_CACHE")) return *cache;
  if (auto home = environment("HF_HOME")) return fs::path(*home) / "hub";
  const auto home = environment("HOME");
  return home ? fs::path(*home) / ".cache" / "huggingface" / "hub" : fs::path();
}

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

/// Damaged folders count too, so that they can be reported: one of these names is enough.
bool looks_like_model(const fs::path& folder) {
  return is_there(folder / "config.json") || is_there(folder / "model.safetensors") ||
         is_there(folder / "model.safetensors.index.json");
}

std::vector<fs::path> sorted_folders(const fs::path& place) {
  std::vector<fs::path> out;
  std::error_code error;
  fs::directory_iterator it(place, fs::directory_options::skip_permission_denied, error), end;
  for (; !error && it != end; it.increment(error)) {
    std::error_code ignored;
    if (it->is_directory(ignored)) out.push_back(it->path());
  }
  std::ranges::sort(out);
  return out;
}

/// "models--org--name" is "org/name" in a Hugging Face cache.
std::optional<std::string> hub_name(const fs::path& folder) {
  constexpr std::string_view kPrefix = "models--";
  const std::string name = folder.filename().string();
  if (!name.starts_with(kPrefix)) return std::nullopt;
  const std::size_t begin = kPrefix.size(), dashes = name.find("--", begin);
  if (dashes == std::string::npos) return printable(name.substr(begin), 200);
  return printable(name.substr(begin, dashes - begin) + '/' + name.substr(dashes + 2), 200);
}

/// The snapshot that a cached repository's `main` stands for, else the last by name.
std::optional<fs::path> hub_snapshot(const fs::path& repository) {
  std::ifstream ref(repository / "refs" / "main");
  std::string commit;
  ref >> commit;
  const bool plain = !commit.empty() && commit.find_first_of("/.") == std::string::npos;
  const fs::path snapshots = repository / "snapshots";
  if (plain && looks_like_model(snapshots / commit)) return snapshots / commit;
  std::optional<fs::path> last;
  for (const fs::path& snapshot : sorted_folders(snapshots))
    if (looks_like_model(snapshot)) last = snapshot;
  return last;
}

/// The last part of a folder's path that says something, also for "." and "dir/".
std::string folder_name(const fs::path& folder) {
  std::error_code error;
  const fs::path absolute = fs::canonical(folder, error);
  const fs::path& path = error ? folder : absolute;
  if (auto name = hub_name(path.parent_path().parent_path())) return *name;
  return printable((path.filename().empty() ? path.parent_path() : path).filename().string(), 200);
}

void list_place(const fs::path& place, std::vector<ModelFolder>& out) {
  if (looks_like_model(place)) {
    out.push_back({folder_name(place), place});
    return;
  }
  for (const fs::path& folder : sorted_folders(place)) {
    if (looks_like_model(folder)) out.push_back({folder_name(folder), folder});
    if (const auto name = hub_name(folder))
      if (const auto snapshot = hub_snapshot(folder)) out.push_back({*name, *snapshot});
  }
}

std::vector<ModelFolder> built_in_models() {
  std::vector<ModelFolder> out;
  for (const auto& [name, files] : built_in_files())
    out.push_back({std::string(name), Folder(fmt::format("built-in:{}", name), files)});
  return out;
}

}  // namespace

std::vector<fs::path> search_places() {
  std::vector<fs::path> out;
  if (const auto list = environment("HEADLIGHT_MODELS")) {
    for (std::size_t begin = 0; begin <= list->size();) {
      const std::size_t end = std::min(list->find(':', begin), list->size());
      if (end > begin) out.emplace_back(list->substr(begin, end - begin));
      begin = end + 1;
    }
  }
  out.emplace_back("models");
  out.push_back(fs::path(environment("HEADLIGHT_SHARED").value_or("../shared")) / "models");
  if (fs::path cache = hub_cache(); !cache.empty()) out.push_back(std::move(cache));
  return out;
}

std::vector<ModelFolder> list_models(const std::vector<fs::path>& places) {
  std::vector<ModelFolder> out;
  for (const fs::path& place : places) list_place(place, out);
  return out;
}

ModelFolder built_in_model() {
  return built_in_models().front();
}

std::optional<std::string_view> single_head_twin(const ModelInfo& model) {
  if (!model.folder.embedded()) return std::nullopt;
  for (const BuiltInFiles& each : built_in_files())
    if (each.name == model.name + "-one") return each.name;
  return std::nullopt;
}

std::vector<ModelFolder> list_known_models() {
  std::vector<ModelFolder> out = built_in_models();
  for (ModelFolder& model : list_models(search_places())) out.push_back(std::move(model));
  return out;
}

std::string heads_text(const ModelConfig& config) {
  std::string text = fmt::format("{} layers x {} head{}", config.n_layers, config.n_heads,
                                 config.n_heads == 1 ? "" : "s");
  if (config.n_kv_heads != config.n_heads)
    text += fmt::format(" on {} key/value head{}", config.n_kv_heads,
                        config.n_kv_heads == 1 ? "" : "s");
  return text;
}

ModelInfo survey_model(const ModelFolder& model) {
  ModelInfo info;
  info.name = model.name;
  info.folder = model.folder;
  info.config = read_config(model.folder);
  info.n_parameters = count_parameters(model.folder, info.config);
  if (const auto tokenizer = load_tokenizer(model.folder)) info.tokenizer = tokenizer->kind();
  return info;
}

ModelFolder resolve_model(std::string_view name_or_folder) {
  if (name_or_folder.empty()) return built_in_model();
  for (ModelFolder& each : built_in_models())
    if (name_or_folder == each.folder.path().native()) return std::move(each);
  const fs::path folder(name_or_folder);
  if (is_there(folder)) return {folder_name(folder), folder};
  const auto models = list_known_models();
  const auto it = std::ranges::find(models, name_or_folder, &ModelFolder::name);
  if (it != models.end()) return *it;

  std::vector<std::string> names, looked;
  for (const ModelFolder& m : models) names.push_back(m.name);
  for (const fs::path& place : search_places()) looked.push_back(printable(place.string(), 200));
  throw RequestError(
      404, "model",
      fmt::format("\"{}\" is neither a folder nor a model in {}{}", printable(name_or_folder, 400),
                  fmt::join(looked, ", "), nearest_hint(name_or_folder, names)));
}

}  // namespace headlight::app
