# Installs the library into an empty folder, builds examples/layer.cc against it, runs it.
# -DBUILD=... -DSOURCE=... -DSCRATCH=... -DGENERATOR=... -DCOMPILER=... -DFLAGS=... -DTYPE=...
function(step)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE status OUTPUT_VARIABLE text ERROR_VARIABLE text)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${ARGV}\n${text}")
  endif()
  set(output "${text}" PARENT_SCOPE)
endfunction()

file(REMOVE_RECURSE ${SCRATCH})
step(${CMAKE_COMMAND} --install ${BUILD} --component library --prefix ${SCRATCH}/installed)
step(${CMAKE_COMMAND} -S ${SOURCE}/tests/install_consumer -B ${SCRATCH}/build -G ${GENERATOR}
  -DCMAKE_PREFIX_PATH=${SCRATCH}/installed -DCMAKE_CXX_COMPILER=${COMPILER}
  -DCMAKE_CXX_FLAGS=${FLAGS} -DCMAKE_BUILD_TYPE=${TYPE} -DEXAMPLE=${SOURCE}/examples/layer.cc)
step(${CMAKE_COMMAND} --build ${SCRATCH}/build)
step(${SCRATCH}/build/consumer)
if(NOT output MATCHES "^ran [a-z]+/.*\nthe cache holds 129 tokens\n$")
  message(FATAL_ERROR "the consumer printed:\n${output}")
endif()
file(READ ${SCRATCH}/build/build.ninja rules)
string(FIND "${rules}" "${SOURCE}/src" leak)
if(NOT leak EQUAL -1)
  message(FATAL_ERROR "the installed package points into the source tree")
endif()
