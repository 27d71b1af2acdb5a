# The benchmark's server, a program of its own.

file(GLOB bench_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/bench/server/*.cc)
add_executable(bench-server ${bench_sources})
target_include_directories(bench-server PRIVATE ${PROJECT_SOURCE_DIR}/bench/server)
target_link_libraries(bench-server PRIVATE vws::flags vws::ssl vws::zlib)
