# vws::flags: how our own code is compiled.

add_library(vws_flags INTERFACE)
add_library(vws::flags ALIAS vws_flags)
target_include_directories(vws_flags INTERFACE ${PROJECT_SOURCE_DIR}/native)

if(WIN32)
  # Windows 10; no more of its names than are asked for.
  target_compile_definitions(
    vws_flags INTERFACE _WIN32_WINNT=0x0A00 WIN32_LEAN_AND_MEAN NOMINMAX NOGDI NOCRYPT
  )
  target_link_libraries(vws_flags INTERFACE ws2_32 iphlpapi bcrypt ntdll)
endif()

if(MSVC)
  # Untested.
  target_compile_options(vws_flags INTERFACE /W4 /EHsc)
else()
  target_compile_options(
    vws_flags
    INTERFACE -Wall
              -Wextra
              -Wpedantic
              -fno-exceptions
              -fno-rtti
              -ffunction-sections
              -fdata-sections
              $<$<BOOL:${VWS_WERROR}>:-Werror>
  )
endif()

if(VWS_SANITIZE)
  # -g1 is enough for stack traces; all of -g takes twice as long to compile.
  set(sanitizer_options -fsanitize=${VWS_SANITIZE} -fno-omit-frame-pointer -g1 -O1)
  if(VWS_SANITIZE MATCHES "undefined")
    list(APPEND sanitizer_options -fno-sanitize-recover=undefined)
  endif()
  target_compile_options(vws_flags INTERFACE ${sanitizer_options})
  target_link_options(vws_flags INTERFACE -fsanitize=${VWS_SANITIZE})
  # -fno-rtti leaves UBSan's vptr check nothing to look at.
  target_compile_options(vws_flags INTERFACE -fno-sanitize=vptr)
endif()

# Where the processor has no atomic operations on 64 bits (MIPS32), or on 8 (RISC-V, before GCC 14), they are functions
# of libatomic: the static one, which not every small system has installed.
include(CheckCXXSourceCompiles)
set(atomic_source
    "#include <atomic>
#include <cstdint>
std::atomic<std::uint64_t> n;
std::atomic<bool> b;
int main() { return int(++n) + b.exchange(true); }"
)
check_cxx_source_compiles("${atomic_source}" VWS_HAS_ATOMICS)
if(NOT VWS_HAS_ATOMICS)
  set(VWS_ATOMIC_LIBRARY -l:libatomic.a)
endif()
