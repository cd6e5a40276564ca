# The lab page, built by npm and embedded in the program. HEADLIGHT_WEB_SOURCE is set to the source
# file that holds it; without HEADLIGHT_WEB or without npm, to one that says the page is missing.
set(HEADLIGHT_WEB_SOURCE ${PROJECT_SOURCE_DIR}/src/app/web_assets_none.cc)
if(NOT HEADLIGHT_WEB)
  return()
endif()
find_program(NPM npm)
if(NOT NPM OR NOT EXISTS ${PROJECT_SOURCE_DIR}/web/package.json)
  message(WARNING "npm was not found: the lab will serve a note instead of its page")
  return()
endif()

set(web ${PROJECT_SOURCE_DIR}/web)
set(web_out ${PROJECT_BINARY_DIR}/web)
set(web_modules ${web}/node_modules/.package-lock.json)  # npm writes it last
file(GLOB_RECURSE web_sources CONFIGURE_DEPENDS ${web}/src/*)

add_custom_command(
  OUTPUT ${web_modules}
  COMMAND ${NPM} ci --no-audit --no-fund --loglevel=error
  COMMAND ${CMAKE_COMMAND} -E touch ${web_modules}
  DEPENDS ${web}/package.json ${web}/package-lock.json
  WORKING_DIRECTORY ${web}
  COMMENT "Fetching what the lab page is built with"
  VERBATIM)
add_custom_command(
  OUTPUT ${web_out}/web_assets.cc
  COMMAND ${CMAKE_COMMAND} -E rm -rf ${web_out}/dist
  COMMAND ${CMAKE_COMMAND} -E env HEADLIGHT_WEB_OUT=${web_out}/dist ${NPM} run --silent build
  COMMAND ${CMAKE_COMMAND} -D folder=${web_out}/dist -D out=${web_out}/web_assets.cc
          -P ${PROJECT_SOURCE_DIR}/cmake/EmbedFiles.cmake
  DEPENDS ${web_modules} ${web_sources} ${web}/build.mjs ${web}/size.mjs ${web}/tsconfig.json
          ${PROJECT_SOURCE_DIR}/cmake/EmbedFiles.cmake
  WORKING_DIRECTORY ${web}
  COMMENT "Building the lab page"
  VERBATIM)
set(HEADLIGHT_WEB_SOURCE ${web_out}/web_assets.cc)
# Long string literals are what -Wpedantic warns of first.
set_source_files_properties(${HEADLIGHT_WEB_SOURCE} PROPERTIES
  TARGET_DIRECTORY headlight_app COMPILE_OPTIONS "-Wno-overlength-strings")
