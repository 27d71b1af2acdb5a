# The engine library as the imported targets vws::lws, vws::ssl and vws::zlib: deps/build.js obtains
# and builds it, and says where everything is.

find_program(VWS_NODE NAMES node nodejs REQUIRED)

if(WIN32)
  set(system_libraries ws2_32 crypt32 advapi32 user32)
  set(adapters_library iphlpapi)
else()
  set(system_libraries ${CMAKE_DL_LIBS})
endif()

set(engine_arguments --json)
if(VWS_SANITIZE)
  list(APPEND engine_arguments --sanitize ${VWS_SANITIZE})
endif()
if(CMAKE_TOOLCHAIN_FILE)
  list(APPEND engine_arguments --toolchain ${CMAKE_TOOLCHAIN_FILE})
endif()

# The engine must be made by the compiler that makes the rest (sanitizers have a runtime of each
# compiler's own).
execute_process(
  COMMAND ${CMAKE_COMMAND} -E env CC=${CMAKE_C_COMPILER} ${VWS_NODE}
          ${PROJECT_SOURCE_DIR}/deps/build.js ${engine_arguments}
  OUTPUT_VARIABLE engine_json
  RESULT_VARIABLE engine_result
)
if(NOT engine_result EQUAL 0)
  message(FATAL_ERROR "The engine could not be built")
endif()

foreach(field include library ssl crypto zlib version)
  string(JSON engine_${field} GET "${engine_json}" ${field})
endforeach()
message(STATUS "libwebsockets ${engine_version}: ${engine_library}")

find_package(Threads REQUIRED)

add_library(vws::zlib STATIC IMPORTED)
set_target_properties(vws::zlib PROPERTIES IMPORTED_LOCATION ${engine_zlib})

add_library(vws::crypto STATIC IMPORTED)
set_target_properties(
  vws::crypto PROPERTIES IMPORTED_LOCATION ${engine_crypto} INTERFACE_LINK_LIBRARIES
                                                            "Threads::Threads;${system_libraries}"
)

add_library(vws::ssl STATIC IMPORTED)
set_target_properties(
  vws::ssl PROPERTIES IMPORTED_LOCATION ${engine_ssl} INTERFACE_LINK_LIBRARIES vws::crypto
)

# Imported: its headers are searched with -isystem, so that our warnings stay out of them.
add_library(vws::lws STATIC IMPORTED)
set_target_properties(
  vws::lws
  PROPERTIES IMPORTED_LOCATION ${engine_library}
             INTERFACE_INCLUDE_DIRECTORIES ${engine_include}
             INTERFACE_LINK_LIBRARIES "vws::ssl;vws::zlib;${adapters_library}"
)
