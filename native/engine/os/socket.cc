#ifndef _WIN32

#include "engine/os/socket.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "engine/os/unique_fd.h"

namespace vws::os {

namespace {

#ifndef SOCK_NONBLOCK
// What other systems do in one step with the call that makes it.
int prepared(int fd) {
  UniqueFd socket(fd);
  if (!socket || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || set_non_blocking(fd) != 0) return -1;
#ifdef SO_NOSIGPIPE
  const int on = 1;
  if (setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on) != 0) {
    // So macOS says that the peer of an accepted one is gone already.
    if (errno == EINVAL) errno = ECONNABORTED;
    return -1;
  }
#endif
  return socket.release();
}
#endif

#ifdef TCP_KEEPIDLE
constexpr int kKeepAliveDelay = TCP_KEEPIDLE;
#else
constexpr int kKeepAliveDelay = TCP_KEEPALIVE;
#endif

}  // namespace

#ifdef SOCK_NONBLOCK

int open_stream_socket(int family) {
  return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

int accept_stream(int listening, sockaddr* peer, socklen_t* length) {
  return accept4(listening, peer, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

#else

int open_stream_socket(int family) { return prepared(socket(family, SOCK_STREAM, 0)); }

int accept_stream(int listening, sockaddr* peer, socklen_t* length) {
  return prepared(accept(listening, peer, length));
}

#endif

// As accept(2) of Linux has it.
bool is_lost_before_accept(int error) {
  switch (error) {
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case EPERM:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
#ifdef ENONET
    case ENONET:
#endif
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
      return true;
    default:
      return false;
  }
}

int set_option(int fd, SocketOption option, int value) {
  const auto set = [&](int level, int name) {
    return setsockopt(fd, level, name, &value, sizeof value);
  };
  switch (option) {
    case SocketOption::kNoDelay:
      return set(IPPROTO_TCP, TCP_NODELAY);
    case SocketOption::kKeepAlive:
      return set(SOL_SOCKET, SO_KEEPALIVE);
    case SocketOption::kKeepAliveDelay:
      return set(IPPROTO_TCP, kKeepAliveDelay);
    case SocketOption::kReuseAddress:
      return set(SOL_SOCKET, SO_REUSEADDR);
    case SocketOption::kReusePort:
      return set(SOL_SOCKET, SO_REUSEPORT);
    case SocketOption::kIpv6Only:
      return set(IPPROTO_IPV6, IPV6_V6ONLY);
    case SocketOption::kLatePort:
#ifdef IP_BIND_ADDRESS_NO_PORT
      return set(IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT);
#else
      break;
#endif
  }
  errno = ENOPROTOOPT;
  return -1;
}

int connect_error_of(int fd) {
  int error = 0;
  socklen_t length = sizeof error;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0) error = errno;
  return error == 0 ? ENOTCONN : error;
}

int check_socket(int fd) {
  int type = 0;
  socklen_t size = sizeof type;
  return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size);
}

int bind_socket(int fd, const sockaddr* address, socklen_t length) {
  return ::bind(fd, address, length);
}

int listen_on(int fd, int backlog) { return ::listen(fd, backlog); }

int connect_socket(int fd, const sockaddr* address, socklen_t length) {
  return ::connect(fd, address, length);
}

int local_address(int fd, sockaddr* address, socklen_t* length) {
  return ::getsockname(fd, address, length);
}

int peer_address(int fd, sockaddr* address, socklen_t* length) {
  return ::getpeername(fd, address, length);
}

void end_sending(int fd) { ::shutdown(fd, SHUT_WR); }

}  // namespace vws::os

#endif
