# What CMake would ask a Mac for. The compiler knows by itself which macOS it compiles for, and where its headers are.

string(REGEX REPLACE "-clang$" "" darwin_triplet ${CMAKE_C_COMPILER})
set(CMAKE_OSX_SYSROOT "" CACHE STRING "")
set(CMAKE_OSX_DEPLOYMENT_TARGET "" CACHE STRING "")
set(CMAKE_OSX_ARCHITECTURES "" CACHE STRING "")
foreach(tool AR RANLIB NM LINKER INSTALL_NAME_TOOL)
  string(TOLOWER ${tool} name)
  string(REPLACE linker ld name ${name})
  find_program(CMAKE_${tool} ${darwin_triplet}-${name} REQUIRED)
endforeach()

# Read when CMake has made its own rules.
set(CMAKE_USER_MAKE_RULES_OVERRIDE_CXX ${CMAKE_CURRENT_LIST_DIR}/darwin-link.cmake)
