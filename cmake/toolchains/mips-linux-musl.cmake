# MIPS, big endian, musl, soft float: OpenWrt's. Made by scripts/cross/zig.js.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR mips)
set(CMAKE_C_COMPILER mips-linux-musl-clang)
set(CMAKE_CXX_COMPILER mips-linux-musl-clang++)
include(${CMAKE_CURRENT_LIST_DIR}/zig.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/sysroot.cmake)
