#ifndef _WIN32

#if defined(__APPLE__)
#define __STDC_WANT_LIB_EXT1__ 1  // for memset_s()
#endif

#include "engine/os/random.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#if defined(__linux__)
#include <sys/random.h>
#endif

namespace vws::os {

namespace {

#if defined(__linux__)

bool fill_from_device(uint8_t* to, size_t n) {
  int fd;
  do {
    fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) return false;
  size_t got = 0;
  while (got < n) {
    const ssize_t r = read(fd, to + got, n - got);
    if (r > 0) {
      got += static_cast<size_t>(r);
    } else if (r == 0 || errno != EINTR) {
      break;
    }
  }
  close(fd);
  return got == n;
}

#endif

}  // namespace

bool fill_random(uint8_t* to, size_t size) {
#if defined(__linux__)
  size_t got = 0;
  while (got < size) {
    const ssize_t r = getrandom(to + got, size - got, 0);
    if (r > 0) {
      got += static_cast<size_t>(r);
    } else if (r == 0 || errno != EINTR) {
      break;
    }
  }
  // Kernels before 3.17, and sandboxes that know the device but not the call.
  return got == size || fill_from_device(to + got, size - got);
#else
  arc4random_buf(to, size);  // cannot fail
  return true;
#endif
}

void wipe(void* memory, size_t size) {
#if defined(__APPLE__)
  memset_s(memory, size, 0, size);
#else
  explicit_bzero(memory, size);
#endif
}

void* map_wiped_on_fork(size_t size) {
  void* const memory =
      mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
#ifdef MADV_WIPEONFORK
  madvise(memory, size, MADV_WIPEONFORK);  // refused by older kernels: then forks share
#endif
  return memory;
}

}  // namespace vws::os

#endif
