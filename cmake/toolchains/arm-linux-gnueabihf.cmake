# Linux, arm: ARMv7, VFPv3-D16, hard-float ABI. Debian's package: g++-arm-linux-gnueabihf.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR armv7l)
set(CMAKE_C_COMPILER arm-linux-gnueabihf-gcc)
set(CMAKE_CXX_COMPILER arm-linux-gnueabihf-g++)
include(${CMAKE_CURRENT_LIST_DIR}/sysroot.cmake)
