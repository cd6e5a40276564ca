# What the installed libraries link to; the build and the installed package both read this file.
find_package(PkgConfig REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS CXX)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
pkg_check_modules(HWY REQUIRED IMPORTED_TARGET libhwy)

# oneDNN's own CMake files ask for OpenCL, which a CPU build does not use: link the library itself.
if(NOT TARGET headlight_dnnl)
  find_library(DNNL_LIBRARY dnnl REQUIRED)
  find_path(DNNL_INCLUDE_DIR dnnl.hpp REQUIRED)
  add_library(headlight_dnnl INTERFACE IMPORTED)
  target_link_libraries(headlight_dnnl INTERFACE ${DNNL_LIBRARY})
  target_include_directories(headlight_dnnl SYSTEM INTERFACE ${DNNL_INCLUDE_DIR})
endif()
