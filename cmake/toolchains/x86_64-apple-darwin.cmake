# macOS, x64. Made by scripts/cross/darwin.js.
set(CMAKE_SYSTEM_NAME Darwin)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_C_COMPILER x86_64-apple-darwin-clang)
set(CMAKE_CXX_COMPILER x86_64-apple-darwin-clang++)
include(${CMAKE_CURRENT_LIST_DIR}/darwin.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/sysroot.cmake)
