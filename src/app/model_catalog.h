// Which models are on this machine: where they are looked for, what they are, how one is named.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/folder.h"
#include "model/config.h"

namespace headlight::app {

/// What can be said of a model without running it.
struct ModelInfo {
  std::string name;
  Folder folder;
  ModelConfig config;
  std::int64_t n_parameters = 0;
  std::optional<std::string> tokenizer;  ///< its kind; nothing when the folder has none
};

/// A folder that looks like a model, by its name.
struct ModelFolder {
  std::string name;
  Folder folder;
};

/// The default of the built-in models: what is meant where no other is named.
ModelFolder built_in_model();

/// The folders that are searched, in order: those of HEADLIGHT_MODELS (separated by colons),
/// ./models, the shared data (HEADLIGHT_SHARED, else ../shared), Hugging Face's cache.
std::vector<std::filesystem::path> search_places();

/// The model folders in `places`: a place itself, its sub-folders, and the snapshots of a Hugging
/// Face cache. When a name comes twice the first one is meant by it; both are listed. Places that
/// do not exist hold nothing.
std::vector<ModelFolder> list_models(const std::vector<std::filesystem::path>& places);

/// The built-in models, then those of the search places.
std::vector<ModelFolder> list_known_models();

/// Reads the configuration, every tensor's header and the tokenizer, not the weights' values.
/// Throws what is wrong with a damaged folder.
ModelInfo survey_model(const ModelFolder& model);

/// "4 layers x 8 heads", and the key/value heads where they are fewer.
std::string heads_text(const ModelConfig& config);

/// What `--model` stands for: a folder, or the name of a listed model; the built-in one when it is
/// empty. Throws, saying where it looked and which names come near.
ModelFolder resolve_model(std::string_view name_or_folder);

}  // namespace headlight::app
