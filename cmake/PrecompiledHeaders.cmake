# What most files include, parsed once: a third of the build otherwise. Files still include all that they use, and the
# preset dev, which goes without, says where one does not.
set(HEADLIGHT_COMMON_HEADERS
  <algorithm> <chrono> <filesystem> <fstream> <functional> <map> <memory> <mutex> <numeric> <optional> <random> <ranges>
  <set> <span> <string> <string_view> <thread> <utility> <vector> <fmt/format.h> <nlohmann/json.hpp>)

# headlight_precompile(TARGET HEADERS...): `target` has these precompiled, beside the common ones.
function(headlight_precompile target)
  if(HEADLIGHT_PCH)
    target_precompile_headers(${target} PRIVATE ${HEADLIGHT_COMMON_HEADERS} ${ARGN})
  endif()
endfunction()

# headlight_precompiled(TARGET OWNER): `target` takes what `owner` has precompiled.
function(headlight_precompiled target owner)
  if(HEADLIGHT_PCH)
    target_precompile_headers(${target} REUSE_FROM ${owner})
  endif()
endfunction()
