// docs/openapi.json, which describes the HTTP API, as it is embedded in the program.
#pragma once

#include <string_view>

namespace headlight::app {

std::string_view openapi();

}  // namespace headlight::app
