#include "engine/net/socket_calls.h"

namespace vws {

int SocketCalls::socket(int domain, int type, int protocol) {
  return ::socket(domain, type, protocol);
}

int SocketCalls::setsockopt(int fd, int level, int name, const void* value, socklen_t length) {
  return ::setsockopt(fd, level, name, value, length);
}

int SocketCalls::bind(int fd, const sockaddr* address, socklen_t length) {
  return ::bind(fd, address, length);
}

int SocketCalls::connect(int fd, const sockaddr* address, socklen_t length) {
  return ::connect(fd, address, length);
}

SocketCalls& SocketCalls::system() {
  // Never destroyed: the service thread runs until the process is gone.
  static SocketCalls& calls = *new SocketCalls;
  return calls;
}

}  // namespace vws
