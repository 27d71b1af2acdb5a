#pragma once

#include <cerrno>
#include <cstddef>

#include "engine/os/address_types.h"
#include "engine/os/iovec.h"

#ifdef _MSC_VER
using ssize_t = std::ptrdiff_t;  // which Microsoft's headers have not
#endif

// Stream sockets. Whatever the system, a function that fails returns -1 and leaves the reason in errno, by POSIX's
// numbers.
namespace vws::os {

// A stream socket that does not block, raises no signal, and is not inherited by programs that are started.
int open_stream_socket(int family);
// The same of one that waits to be accepted. *length: the room for the address, then what it takes.
int accept_stream(int listening, sockaddr* peer, socklen_t* length);
// Whether accept_stream() has failed since the connection that was about to be accepted has: there may be others.
bool is_lost_before_accept(int error);

enum class SocketOption {
  kNoDelay,
  kKeepAlive,
  kKeepAliveDelay,  // seconds without traffic
  kReuseAddress,
  kReusePort,
  kIpv6Only,
  // Lets bind() without a port leave the choice to connect(), so that one port serves many targets. Only an economy.
  kLatePort,
};
int set_option(int fd, SocketOption option, int value);
// Why a socket that was to be connected is not: never 0.
int connect_error_of(int fd);
// Fails on what is no socket.
int check_socket(int fd);

int bind_socket(int fd, const sockaddr* address, socklen_t length);
int listen_on(int fd, int backlog);
// EINPROGRESS: it is under way, and the socket turns writable when it has come to an end.
int connect_socket(int fd, const sockaddr* address, socklen_t length);
// The ends of a socket. *length: as accept_stream()'s.
int local_address(int fd, sockaddr* address, socklen_t* length);
int peer_address(int fd, sockaddr* address, socklen_t* length);

// As shutdown(2) with SHUT_WR: the peer gets to read the end.
void end_sending(int fd);

#ifdef _WIN32

// As recv(2): bytes; 0 at the end.
ssize_t receive(int fd, void* buffer, size_t size);
ssize_t receive(int fd, struct iovec* pieces, int count);
// The same, leaving in the socket what it tells. Who leaves it there for long is told of it again and again.
ssize_t peek(int fd, void* buffer, size_t size);
// As send(2).
ssize_t send(int fd, const void* data, size_t size);
ssize_t send(int fd, const struct iovec* pieces, size_t count);

#else

// What follows is called for each message: no call more than the system's.

// As recv(2): bytes; 0 at the end.
inline ssize_t receive(int fd, void* buffer, size_t size) { return ::recv(fd, buffer, size, 0); }

// The same, leaving in the socket what it tells.
inline ssize_t peek(int fd, void* buffer, size_t size) {
  return ::recv(fd, buffer, size, MSG_PEEK);
}

// One piece is what comes nearly always, and the cheaper call.
inline ssize_t receive(int fd, struct iovec* pieces, int count) {
  return count == 1 ? ::recv(fd, pieces[0].iov_base, pieces[0].iov_len, 0)
                    : ::readv(fd, pieces, count);
}

#ifdef MSG_NOSIGNAL
inline constexpr int kSendFlags = MSG_NOSIGNAL;
#else
inline constexpr int kSendFlags = 0;  // open_stream_socket() has seen to it
#endif

// As send(2).
inline ssize_t send(int fd, const void* data, size_t size) {
  return ::send(fd, data, size, kSendFlags);
}

inline ssize_t send(int fd, const struct iovec* pieces, size_t count) {
  if (count == 1) return ::send(fd, pieces[0].iov_base, pieces[0].iov_len, kSendFlags);
  msghdr message{};
  message.msg_iov = const_cast<struct iovec*>(pieces);
  message.msg_iovlen = static_cast<decltype(message.msg_iovlen)>(count);
  return ::sendmsg(fd, &message, kSendFlags);
}

#endif

}  // namespace vws::os
