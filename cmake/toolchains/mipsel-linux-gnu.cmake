# Linux, mipsel: MIPS32r2, little endian, hard-float O32 ABI. Debian's package: g++-mipsel-linux-gnu.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR mips)
set(CMAKE_C_COMPILER mipsel-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER mipsel-linux-gnu-g++)
# Atomic operations on 64 bits: OpenSSL has them too.
set(CMAKE_C_STANDARD_LIBRARIES -l:libatomic.a)
set(CMAKE_CXX_STANDARD_LIBRARIES -l:libatomic.a)
include(${CMAKE_CURRENT_LIST_DIR}/sysroot.cmake)
