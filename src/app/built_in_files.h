// The files of models/lumen, embedded in the program (cmake/BuiltInModel.cmake).
#pragma once

#include <span>

#include "core/folder.h"

namespace headlight::app {

std::span<const EmbeddedFile> built_in_files();

}  // namespace headlight::app
