# The addon. cmake-js names Node-API's headers (CMAKE_JS_INC), without uv.h: scripts/node-headers.js
# finds Node's own.

function(vws_ask_node variable)
  execute_process(
    COMMAND ${VWS_NODE} ${ARGN}
    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
    OUTPUT_VARIABLE answer
    OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY
  )
  set(${variable} ${answer} PARENT_SCOPE)
endfunction()

vws_ask_node(node_headers scripts/node-headers.js)
vws_ask_node(node_addon_api native/node-addon-api.js)
file(READ ${PROJECT_SOURCE_DIR}/package.json package_json)
string(JSON package_version GET "${package_json}" version)
set_property(
  DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/package.json
)
set(node_includes ${CMAKE_JS_INC} ${node_addon_api} ${node_headers})

vws_sources(addon_sources engine binding)
add_library(verawebsockets MODULE ${addon_sources} ${CMAKE_JS_SRC})
set_target_properties(verawebsockets PROPERTIES PREFIX "" SUFFIX ".node")
target_include_directories(verawebsockets SYSTEM PRIVATE ${node_includes})
target_compile_definitions(
  verawebsockets PRIVATE NAPI_VERSION=8 NAPI_DISABLE_CPP_EXCEPTIONS
                         NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS
                         NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS
                         VWS_VERSION=${package_version}
)
target_compile_options(verawebsockets PRIVATE $<$<CONFIG:Release>:-O3>)
target_link_libraries(verawebsockets PRIVATE vws::flags vws::lws ${CMAKE_JS_LIB})

if(WIN32)
  # The library says which program it belongs to, whatever that is called.
  target_sources(verawebsockets PRIVATE native/windows/module.cc)
endif()

if(MINGW)
  # Node's functions are looked for when they are called first. As Node-API names them (node-api-headers), of the
  # program that node.exe stands for.
  vws_ask_node(node_api_headers -p "require('node-api-headers').def_paths.node_api_def")
  set(delayed ${CMAKE_CURRENT_BINARY_DIR}/libnode_api.a)
  execute_process(
    COMMAND ${CMAKE_DLLTOOL} --dllname node.exe --input-def ${node_api_headers} --output-delaylib
            ${delayed} COMMAND_ERROR_IS_FATAL ANY
  )
  # Nothing of the compiler's own beside it.
  target_link_options(verawebsockets PRIVATE -static -Wl,--gc-sections)
  target_link_libraries(verawebsockets PRIVATE ${delayed} delayimp)
elseif(MSVC)
  # Untested.
  if(CMAKE_JS_NODELIB_DEF AND CMAKE_JS_NODELIB_TARGET)
    execute_process(
      COMMAND ${CMAKE_AR} /def:${CMAKE_JS_NODELIB_DEF} /out:${CMAKE_JS_NODELIB_TARGET}
              ${CMAKE_STATIC_LINKER_FLAGS}
    )
  endif()
  target_link_libraries(verawebsockets PRIVATE ws2_32 crypt32 bcrypt)
elseif(APPLE)
  set(exports ${PROJECT_SOURCE_DIR}/cmake/exports.darwin)
  target_link_options(
    verawebsockets
    PRIVATE
    # Node's functions are those of the program that loads it.
    -Wl,-undefined,dynamic_lookup
    -Wl,-dead_strip
    -Wl,-exported_symbols_list,${exports}
    # Nothing can be taken out later: the file is signed.
    -Wl,-S,-x
    # For scripts/sizes.js.
    -Wl,-map,${CMAKE_CURRENT_BINARY_DIR}/verawebsockets.map
  )
  set_target_properties(verawebsockets PROPERTIES LINK_DEPENDS ${exports})
else()
  target_link_libraries(verawebsockets PRIVATE ${VWS_ATOMIC_LIBRARY})
  set(exports ${PROJECT_SOURCE_DIR}/cmake/exports.map)
  target_link_options(
    verawebsockets
    PRIVATE
    -static-libstdc++
    -static-libgcc
    -Wl,--exclude-libs,ALL
    -Wl,-Bsymbolic
    -Wl,--gc-sections
    -Wl,-z,nodelete
    -Wl,-z,relro
    -Wl,-z,now
    -Wl,--version-script=${exports}
    # For scripts/sizes.js.
    -Wl,-Map=${CMAKE_CURRENT_BINARY_DIR}/verawebsockets.map
  )
  set_target_properties(verawebsockets PROPERTIES LINK_DEPENDS ${exports})
  if(VWS_GLIBC_STUBS)
    # scripts/cross/glibc-stubs.js
    target_link_directories(verawebsockets BEFORE PRIVATE ${VWS_GLIBC_STUBS})
    target_sources(verawebsockets PRIVATE native/glibc/floor.cc)
    # A library of its own up to glibc 2.33.
    target_link_libraries(verawebsockets PRIVATE pthread)
  endif()
endif()
