# Compile options that every target of ours gets.
add_library(headlight_options INTERFACE)
target_compile_options(headlight_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wcast-align -Werror)
target_include_directories(headlight_options INTERFACE ${PROJECT_SOURCE_DIR}/src)
if(CMAKE_BUILD_TYPE STREQUAL "Debug")
  # -O1: the reference loops are too slow to test without it.
  target_compile_options(headlight_options INTERFACE -O1)
  target_compile_definitions(headlight_options INTERFACE _GLIBCXX_ASSERTIONS)
endif()
if(HEADLIGHT_SANITIZE)
  target_compile_options(headlight_options INTERFACE
    -fsanitize=${HEADLIGHT_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(headlight_options INTERFACE -fsanitize=${HEADLIGHT_SANITIZE})
  target_sources(headlight_options INTERFACE ${PROJECT_SOURCE_DIR}/cmake/sanitizer_defaults.cc)
endif()
if(HEADLIGHT_FUZZ)
  # clang's own warnings are not ours to fix: gcc builds what ships.
  target_compile_options(headlight_options INTERFACE -fsanitize=fuzzer-no-link -Wno-error)
endif()
