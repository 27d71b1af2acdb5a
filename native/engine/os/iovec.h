#pragma once

// struct iovec: a piece of what one call reads or writes.

#ifdef _WIN32
#include <cstddef>
struct iovec {
  void* iov_base;
  size_t iov_len;
};
#else
#include <sys/uio.h>
#endif
