# cmake --install build/release --component library --prefix DIR: what another program needs.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

add_library(headlight_library INTERFACE)
add_library(headlight::headlight ALIAS headlight_library)
set_target_properties(headlight_library PROPERTIES EXPORT_NAME headlight)
target_link_libraries(headlight_library INTERFACE headlight_layer)
target_include_directories(headlight_library INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)

install(TARGETS headlight_library headlight_layer headlight_io headlight_kernels headlight_core
  EXPORT headlightTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/headlight)
install(EXPORT headlightTargets NAMESPACE headlight:: DESTINATION ${package_dir} COMPONENT library)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/headlightConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES
  cmake/headlightConfig.cmake
  cmake/LayerDependencies.cmake
  ${PROJECT_BINARY_DIR}/headlightConfigVersion.cmake
  DESTINATION ${package_dir} COMPONENT library)

# The umbrella header and all that it includes, in the folders they have in src/.
set(installed_headers
  core/dtype.h
  core/error.h
  core/shape.h
  core/tensor.h
  core/threads.h
  core/threads_inl.h
  core/threads_tsan_inl.h
  kernels/attention/attention.h
  kernels/attention/backward/backward.h
  kernels/attention/pattern.h
  kernels/attention/statistics.h
  kernels/dropout.h
  kernels/gradient_mode.h
  kernels/rope/rope.h
  kernels/rope/rope_scaling.h
  model/attention_config.h
  model/kv_cache.h
  model/multi_head_attention.h
  model/paged_kv_cache.h
  model/torch_masks.h
)
install(CODE "
  include(${PROJECT_SOURCE_DIR}/cmake/InstallHeader.cmake)
  set(to \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_INCLUDEDIR}/headlight\")
  headlight_install_header(${PROJECT_SOURCE_DIR}/include/headlight/headlight.h \"\${to}/headlight.h\")
  foreach(header ${installed_headers})
    headlight_install_header(${PROJECT_SOURCE_DIR}/src/\${header} \"\${to}/\${header}\")
  endforeach()"
  COMPONENT library)
