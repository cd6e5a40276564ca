// The models of models/, embedded in the program (cmake/BuiltInModels.cmake).
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "app/model_catalog.h"
#include "core/folder.h"

namespace headlight::app {

/// A folder of models/, by its name.
struct BuiltInFiles {
  std::string_view name;
  std::span<const EmbeddedFile> files;
};

/// The first is the default model.
std::span<const BuiltInFiles> built_in_files();

/// Name of the built-in model that was trained like this built-in one, as large, with one head in
/// each layer: "NAME-one". Nothing where there is none.
std::optional<std::string_view> single_head_twin(const ModelInfo& model);

}  // namespace headlight::app
