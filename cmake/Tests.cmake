# Native tests and fuzz targets: each file a program of its own, linked with the engine's sources
# and the library. VWS_PARTS narrows what they are linked with ("engine/base;engine/ws").

vws_sources(engine_sources ${VWS_PARTS})

function(vws_engine_library name)
  add_library(${name} OBJECT ${engine_sources})
  target_link_libraries(${name} PUBLIC vws::flags vws::lws ${VWS_ATOMIC_LIBRARY})
  if(MINGW)
    # Where they run there is nothing of the compiler's own.
    target_link_options(${name} PUBLIC -static)
  endif()
endfunction()

if(VWS_TESTS)
  vws_engine_library(vws_engine)
  # What they ask of the system: one file for each.
  file(GLOB support_files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/test/native/support/*.cc)
  add_library(vws_test_support STATIC ${support_files})
  target_link_libraries(vws_test_support PRIVATE vws::flags)
  file(GLOB test_files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/test/native/*_test.cc)
  foreach(file ${test_files})
    get_filename_component(name ${file} NAME_WE)
    add_executable(${name} ${file})
    target_link_libraries(${name} PRIVATE vws_test_support vws_engine)
    if(VWS_SANITIZE)
      # What takes time is in the engine.
      target_compile_options(${name} PRIVATE -O0)
    endif()
    set_target_properties(
      ${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests
    )
  endforeach()
endif()

if(VWS_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "Fuzz targets need clang (CC=clang CXX=clang++)")
  endif()
  vws_engine_library(vws_engine_fuzz)
  target_compile_options(vws_engine_fuzz PUBLIC -fsanitize=fuzzer-no-link)
  file(GLOB fuzz_files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/test/native/fuzz/*_fuzz.cc)
  foreach(file ${fuzz_files})
    get_filename_component(name ${file} NAME_WE)
    add_executable(${name} ${file})
    target_link_libraries(${name} PRIVATE vws_engine_fuzz)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    set_target_properties(
      ${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/fuzz
    )
  endforeach()
endif()
