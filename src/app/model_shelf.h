// The models that the lab can name, and those that are loaded.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "app/byte_lru.h"
#include "app/lab_request.h"
#include "app/loaded_model.h"

namespace headlight::app {

/// Safe to use from several threads, but for load().
class ModelShelf {
 public:
  /// Keeps loaded models up to `most_bytes`, the last used ones. Throws when the default model is
  /// damaged.
  ModelShelf(std::optional<ModelFolder> default_model, std::size_t most_bytes);

  /// The sound models that can be named, the default first.
  std::vector<ModelInfo> known();
  const std::optional<ModelFolder>& default_model() const { return default_; }
  /// Throws RequestError (404) when there is none of this name.
  ModelFolder find(const std::string& name);
  /// The sound model that the parameter "model" names; without it the default one. Throws
  /// RequestError (404) when there is none.
  ModelInfo asked(const LabRequest& request);

  /// Reads the model unless it is loaded. One call at a time.
  std::shared_ptr<LoadedModel> load(const ModelFolder& model);
  /// Null when it is not loaded (any more).
  std::shared_ptr<LoadedModel> loaded(const ModelFolder& model);

 private:
  const std::optional<ModelFolder> default_;
  std::mutex mutex_;
  std::map<std::string, ModelInfo> surveyed_;  // by folder; guarded by mutex_
  ByteLru<LoadedModel> loaded_;
};

}  // namespace headlight::app
