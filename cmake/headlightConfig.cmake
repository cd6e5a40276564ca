# find_package(headlight): the target headlight::headlight.
include(${CMAKE_CURRENT_LIST_DIR}/LayerDependencies.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/headlightTargets.cmake)
