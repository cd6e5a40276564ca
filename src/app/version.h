// The version that `--version` and the health endpoint give; set by CMake's project().
#pragma once

#include <string_view>

namespace headlight::app {
inline constexpr std::string_view kVersion = HEADLIGHT_VERSION;
}
