# Linux with musl, arm64. Made by scripts/cross/musl.js around Debian's package g++-aarch64-linux-gnu.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-musl-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-musl-g++)
include(${CMAKE_CURRENT_LIST_DIR}/sysroot.cmake)
