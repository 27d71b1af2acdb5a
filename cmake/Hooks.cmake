# Included by libwebsockets' own project(), as CMAKE_PROJECT_INCLUDE (deps/build.js): puts our hooks
# into what it compiles (native/engine/os/lws_scope.h).

if(CMAKE_VERSION VERSION_LESS 3.19)
  message(FATAL_ERROR "CMake 3.19 or later is needed")
endif()

set(vws_calls ${CMAKE_CURRENT_LIST_DIR}/../native/engine/os/lws_calls.h)

# A function of libwebsockets' own that we hook is renamed where it is defined. Its callers get ours,
# which has its name. Should a version define it elsewhere, linking fails: there are two.
function(vws_rename_definitions source)
  set(definitions)
  foreach(name ${ARGN})
    list(APPEND definitions ${name}=vws_original_${name})
  endforeach()
  set_property(
    SOURCE ${source} TARGET_DIRECTORY websockets APPEND PROPERTY COMPILE_DEFINITIONS ${definitions}
  )
endfunction()

function(vws_hook_websockets)
  if(MSVC)
    # Its own options make errors of warnings: of OpenSSL's deprecated functions, too.
    target_compile_options(websockets PRIVATE "SHELL:/FI \"${vws_calls}\"" /w /WX-)
  else()
    target_compile_options(websockets PRIVATE "SHELL:-include \"${vws_calls}\"")
  endif()
  get_target_property(folder websockets SOURCE_DIR)
  get_target_property(sources websockets SOURCES)
  foreach(source ${sources})
    get_filename_component(source ${source} ABSOLUTE BASE_DIR ${folder})
    # The second name of a file is that of 2.x.
    if(source MATCHES "/alloc\\.c$")
      vws_rename_definitions(${source} lws_realloc lws_zalloc)
    elseif(source MATCHES "openssl/openssl-ssl\\.c$|lib/ssl\\.c$")
      vws_rename_definitions(${source} lws_ssl_capable_read lws_ssl_capable_write)
    elseif(source MATCHES "openssl/openssl-client\\.c$|client/ssl-client\\.c$")
      vws_rename_definitions(${source} lws_ssl_client_bio_create)
    endif()
  endforeach()
endfunction()

# When the target is there, and nothing has been generated.
cmake_language(DEFER CALL vws_hook_websockets)
