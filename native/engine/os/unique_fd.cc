#ifndef _WIN32

#include "engine/os/unique_fd.h"

#include <fcntl.h>
#include <unistd.h>

namespace vws::os {

// Never retried: on Linux the descriptor is gone whatever close() answers.
void close_descriptor(int fd) { ::close(fd); }

int copy_descriptor(int fd) { return fcntl(fd, F_DUPFD_CLOEXEC, 0); }

int set_non_blocking(int fd) {
  const int flags = fcntl(fd, F_GETFL);
  return flags < 0 ? -1 : fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

}  // namespace vws::os

#endif
