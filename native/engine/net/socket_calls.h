#pragma once

#include "engine/os/socket.h"

namespace vws {

// The system calls that make a connection, so that tests can make them fail. -1 with errno.
class SocketCalls {
 public:
  virtual ~SocketCalls() = default;
  virtual int open(int family) { return os::open_stream_socket(family); }
  virtual int set_option(int fd, os::SocketOption option, int value) {
    return os::set_option(fd, option, value);
  }
  virtual int bind(int fd, const sockaddr* address, socklen_t length) {
    return os::bind_socket(fd, address, length);
  }
  virtual int connect(int fd, const sockaddr* address, socklen_t length) {
    return os::connect_socket(fd, address, length);
  }

  // The system's own.
  static SocketCalls& system() {
    // Never destroyed: the service thread runs until the process is gone.
    static SocketCalls& calls = *new SocketCalls;
    return calls;
  }
};

}  // namespace vws
