# vws_sources(<variable> <argument>…) runs native/sources.js, the one list of sources, and turns
# its lines into a list.

# A new file must be noticed: the list is made anew whenever a folder's content changes.
file(GLOB_RECURSE watched CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/native/*.cc)
set_property(
  DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/native/sources.js
)

function(vws_sources variable)
  execute_process(
    COMMAND ${VWS_NODE} ${PROJECT_SOURCE_DIR}/native/sources.js ${ARGN}
    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
    OUTPUT_VARIABLE lines
    OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY
  )
  string(REPLACE "\n" ";" lines "${lines}")
  set(${variable} ${lines} PARENT_SCOPE)
endfunction()
