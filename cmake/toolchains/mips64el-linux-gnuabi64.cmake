# Linux, mips64el: MIPS64r2, little endian, hard-float N64 ABI. Debian's package: g++-mips64el-linux-gnuabi64.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR mips64)
set(CMAKE_C_COMPILER mips64el-linux-gnuabi64-gcc)
set(CMAKE_CXX_COMPILER mips64el-linux-gnuabi64-g++)
include(${CMAKE_CURRENT_LIST_DIR}/sysroot.cmake)
