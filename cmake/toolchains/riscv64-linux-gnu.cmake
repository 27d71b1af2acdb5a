# Linux, riscv64: RV64GC, LP64D ABI. Debian's package: g++-riscv64-linux-gnu.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR riscv64)
set(CMAKE_C_COMPILER riscv64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER riscv64-linux-gnu-g++)
# Atomic operations on 8 and 16 bits, which GCC has no instructions for before its 14.
set(CMAKE_C_STANDARD_LIBRARIES -l:libatomic.a)
set(CMAKE_CXX_STANDARD_LIBRARIES -l:libatomic.a)
include(${CMAKE_CURRENT_LIST_DIR}/sysroot.cmake)
