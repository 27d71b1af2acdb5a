# The tools beside Zig's compiler (scripts/cross/zig.js).

string(REGEX REPLACE "-clang$" "" zig_triplet ${CMAKE_C_COMPILER})
foreach(tool AR RANLIB)
  string(TOLOWER ${tool} name)
  find_program(CMAKE_${tool} ${zig_triplet}-${name} REQUIRED)
endforeach()
# It tells what its own libraries would be warned of.
add_compile_options(-Wno-nullability-completeness)
