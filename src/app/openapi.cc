#include "app/openapi.h"

#include <cstddef>

// HEADLIGHT_OPENAPI: the file's path, from CMake.
asm(".pushsection .rodata\n"
    ".globl headlight_openapi, headlight_openapi_end\n"
    ".hidden headlight_openapi, headlight_openapi_end\n"
    "headlight_openapi:\n"
    ".incbin \"" HEADLIGHT_OPENAPI
    "\"\n"
    "headlight_openapi_end:\n"
    ".byte 0\n"
    ".popsection\n");

extern "C" {
extern const char headlight_openapi[], headlight_openapi_end[];
}

namespace headlight::app {

std::string_view openapi() {
  return {headlight_openapi, static_cast<std::size_t>(headlight_openapi_end - headlight_openapi)};
}

}  // namespace headlight::app
