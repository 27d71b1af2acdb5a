# By the linker alone: the compiler's own linker cannot be told what to export.
set(CMAKE_CXX_CREATE_SHARED_MODULE
    "${CMAKE_LINKER} -bundle <LINK_FLAGS> -o <TARGET> <OBJECTS> <LINK_LIBRARIES>"
)
