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
# No processor is so old that it has SSSE3 and not SSE4; it would get the scalar kernels.
set(skipped_targets HWY_SSSE3)
if(HEADLIGHT_SANITIZE)
  # Kernels are one source for all instruction sets; compiled with sanitizers, each takes a minute.
  set(skipped_targets HWY_SSSE3|HWY_SSE4)
  # Line numbers are enough for a report; following variables takes most of a compilation.
  target_compile_options(headlight_options INTERFACE -g1 -fno-var-tracking
    -fsanitize=${HEADLIGHT_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(headlight_options INTERFACE -fsanitize=${HEADLIGHT_SANITIZE})
  add_library(headlight_sanitizer_defaults OBJECT ${PROJECT_SOURCE_DIR}/cmake/sanitizer_defaults.cc)
  target_sources(headlight_options INTERFACE $<TARGET_OBJECTS:headlight_sanitizer_defaults>)
endif()
target_compile_definitions(headlight_options INTERFACE "HWY_DISABLED_TARGETS=(${skipped_targets})")
if(HEADLIGHT_FUZZ)
  # clang's own warnings are not ours to fix: gcc builds what ships.
  target_compile_options(headlight_options INTERFACE -fsanitize=fuzzer-no-link -Wno-error)
endif()
