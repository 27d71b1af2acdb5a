# Where the target's OpenSSL and zlib are: below the folder that VWS_SYSROOT names, laid out as
# Debian's packages are, else where the compiler looks by itself. (An environment variable, since
# CMake reads toolchain files again for each of its trial builds, without the cache.)

if(DEFINED ENV{VWS_SYSROOT})
  if(NOT DEFINED sysroot_triplet)
    string(REGEX REPLACE "-(gcc(-posix)?|clang)$" "" sysroot_triplet ${CMAKE_C_COMPILER})
  endif()
  set(sysroot_usr $ENV{VWS_SYSROOT}/usr)
  set(sysroot_includes ${sysroot_usr}/include/${sysroot_triplet} ${sysroot_usr}/include)
  set(CMAKE_C_STANDARD_INCLUDE_DIRECTORIES ${sysroot_includes})
  set(CMAKE_CXX_STANDARD_INCLUDE_DIRECTORIES ${sysroot_includes})

  # For what CMake asks of this machine's pkg-config, which answers "-lssl".
  set(CMAKE_EXE_LINKER_FLAGS_INIT -L${sysroot_usr}/lib/${sysroot_triplet})

  set(OPENSSL_INCLUDE_DIR ${sysroot_usr}/include CACHE PATH "")
  set(OPENSSL_SSL_LIBRARY ${sysroot_usr}/lib/${sysroot_triplet}/libssl.a CACHE FILEPATH "")
  set(OPENSSL_CRYPTO_LIBRARY ${sysroot_usr}/lib/${sysroot_triplet}/libcrypto.a CACHE FILEPATH "")
  # As CMake's search for MinGW calls the same.
  set(SSL_EAY ${OPENSSL_SSL_LIBRARY} CACHE FILEPATH "")
  set(LIB_EAY ${OPENSSL_CRYPTO_LIBRARY} CACHE FILEPATH "")
  set(ZLIB_INCLUDE_DIR ${sysroot_usr}/include CACHE PATH "")
  set(ZLIB_LIBRARY ${sysroot_usr}/lib/${sysroot_triplet}/libz.a CACHE FILEPATH "")
endif()

# Programs are this machine's, everything else the target's.
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
