# Tests: gtest programs beside the code they test, known to ctest one by one.
find_package(GTest REQUIRED)
pkg_check_modules(HTTPLIB REQUIRED IMPORTED_TARGET cpp-httplib)  # a client of the lab

add_library(headlight_test_support STATIC ${PROJECT_SOURCE_DIR}/tests/support/shared.cc)
target_include_directories(headlight_test_support PUBLIC ${PROJECT_SOURCE_DIR}/tests)
target_link_libraries(headlight_test_support PUBLIC headlight_core GTest::gtest)

headlight_precompile(headlight_test_support <gtest/gtest.h>)

# Its users have operator new replaced.
add_library(headlight_count_allocations STATIC
  ${PROJECT_SOURCE_DIR}/tests/support/count_allocations.cc)
target_include_directories(headlight_count_allocations PRIVATE ${PROJECT_SOURCE_DIR}/tests)

# headlight_test(NAME SOURCES a.cc... LIBS headlight_x...)
function(headlight_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LIBS} headlight_test_support GTest::gtest_main)
  headlight_precompiled(${name} headlight_test_support)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  add_test(NAME ${name} COMMAND ${name})
  # Passive waiting: threads that spin at OpenMP's barriers make a test many times slower as soon as
  # something else runs on the machine, the test beside it for one.
  set_tests_properties(${name} PROPERTIES
    ENVIRONMENT "OMP_WAIT_POLICY=passive;HEADLIGHT_SOURCE=${PROJECT_SOURCE_DIR};HEADLIGHT_BINARY=$<TARGET_FILE_DIR:${name}>/../headlight")
endfunction()
