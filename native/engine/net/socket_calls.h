#pragma once

#include <sys/socket.h>

namespace vws {

// The system calls that make a connection, so that tests can make them fail.
class SocketCalls {
 public:
  virtual ~SocketCalls() = default;
  virtual int socket(int domain, int type, int protocol);
  virtual int setsockopt(int fd, int level, int name, const void* value, socklen_t length);
  virtual int bind(int fd, const sockaddr* address, socklen_t length);
  virtual int connect(int fd, const sockaddr* address, socklen_t length);

  // The system's own.
  static SocketCalls& system();
};

}  // namespace vws
