# Linux with musl, x64. Made by scripts/cross/musl.js around Debian's package g++-x86-64-linux-gnu.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_C_COMPILER x86_64-linux-musl-gcc)
set(CMAKE_CXX_COMPILER x86_64-linux-musl-g++)
include(${CMAKE_CURRENT_LIST_DIR}/sysroot.cmake)
