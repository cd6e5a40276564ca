#include "app/model_shelf.h"

#include <algorithm>
#include <exception>
#include <set>
#include <utility>

#include "app/errors.h"

namespace headlight::app {
namespace {

[[noreturn]] void refuse_model(std::string_view name) {
  throw RequestError(404, "model", fmt::format("there is no model \"{}\" here", printable(name)));
}

std::string key_of(const ModelFolder& model) {
  return model.folder.path().string();
}

}  // namespace

ModelShelf::ModelShelf(std::optional<ModelFolder> default_model, std::size_t most_bytes)
    : default_(std::move(default_model)), loaded_(most_bytes) {
  if (default_) survey_model(*default_);
}

std::vector<ModelInfo> ModelShelf::known() {
  std::vector<ModelFolder> folders;
  if (default_) folders.push_back(*default_);
  for (ModelFolder& found : list_known_models()) folders.push_back(std::move(found));

  std::vector<ModelInfo> known;
  std::set<std::string> names;
  const std::lock_guard lock(mutex_);
  for (const ModelFolder& model : folders) {
    if (!names.insert(model.name).second) continue;
    const std::string key = key_of(model);
    try {
      if (!surveyed_.contains(key)) surveyed_.emplace(key, survey_model(model));
      known.push_back(surveyed_.at(key));
    } catch (const std::exception&) {  // `headlight models` says what is wrong with it
    }
  }
  return known;
}

ModelFolder ModelShelf::find(const std::string& name) {
  if (default_ && default_->name == name) return *default_;
  const auto all = known();
  const auto it = std::ranges::find(all, name, &ModelInfo::name);
  if (it == all.end()) refuse_model(name);
  return {it->name, it->folder};
}

ModelInfo ModelShelf::asked(const LabRequest& request) {
  const auto named = request.query.find("model");
  check_request(named != request.query.end() || default_.has_value(), "model",
                "the parameter \"model\" is missing");
  const std::string& name = named != request.query.end() ? named->second : default_->name;
  const auto all = known();
  const auto it = std::ranges::find(all, name, &ModelInfo::name);
  if (it == all.end()) refuse_model(name);
  return *it;
}

std::shared_ptr<LoadedModel> ModelShelf::loaded(const ModelFolder& model) {
  return loaded_.get(key_of(model));
}

std::shared_ptr<LoadedModel> ModelShelf::load(const ModelFolder& folder) {
  if (auto model = loaded(folder)) return model;
  auto model = std::make_shared<LoadedModel>(load_model(folder));
  loaded_.put(key_of(folder), model,
              static_cast<std::size_t>(model->info.n_parameters) * sizeof(float));
  return model;
}

}  // namespace headlight::app
