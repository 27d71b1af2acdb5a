#ifdef _WIN32

#include <algorithm>

#include "engine/os/poller.h"
#include "engine/os/socket.h"
#include "engine/os/unique_fd.h"
#include "engine/os/windows.h"
// Those above come first.
#include <mswsock.h>

// As Windows' own header has it, which MinGW's leave out.
#ifndef TCP_KEEPIDLE
#define TCP_KEEPIDLE 3
#endif

namespace vws::os {

namespace {

// No call takes more: its sizes are ints.
constexpr size_t kMostBytes = size_t{1} << 30;
// As many as the engine ever has, and more than what pays.
constexpr size_t kMostPieces = 64;

int prepared(SOCKET made) {
  if (made == INVALID_SOCKET) return fail_by_windows();
  UniqueFd socket(descriptor_of(made));
  SetHandleInformation(reinterpret_cast<HANDLE>(made), HANDLE_FLAG_INHERIT, 0);
  if (set_non_blocking(socket.get()) != 0) return -1;
  return socket.release();
}

size_t to_buffers(const struct iovec* pieces, size_t count, WSABUF* buffers) {
  count = std::min(count, kMostPieces);
  for (size_t i = 0; i < count; ++i) {
    buffers[i].buf = static_cast<char*>(pieces[i].iov_base);
    buffers[i].len = static_cast<ULONG>(std::min(pieces[i].iov_len, kMostBytes));
  }
  return count;
}

size_t sum_of(const WSABUF* buffers, size_t count) {
  size_t sum = 0;
  for (size_t i = 0; i < count; ++i) sum += buffers[i].len;
  return sum;
}

ssize_t received(int fd, WSABUF* buffers, size_t count, DWORD flags = 0) {
  DWORD got = 0;
  const int result =
      WSARecv(socket_of(fd), buffers, static_cast<DWORD>(count), &got, &flags, nullptr, nullptr);
  const int error = result == 0 ? 0 : WSAGetLastError();
  // Whatever was there has been told of; what comes is to be told.
  Poller::note_read(fd);
  if (error == 0) return static_cast<ssize_t>(got);
  errno = errno_of(error);
  return -1;
}

ssize_t sent_from(int fd, WSABUF* buffers, size_t count) {
  DWORD sent = 0;
  const int result =
      WSASend(socket_of(fd), buffers, static_cast<DWORD>(count), &sent, 0, nullptr, nullptr);
  const int error = result == 0 ? 0 : errno_of(WSAGetLastError());
  if (error == EAGAIN || (error == 0 && sent < sum_of(buffers, count))) Poller::note_full(fd);
  if (error == 0) return static_cast<ssize_t>(sent);
  errno = error;
  return -1;
}

WSABUF buffer_of(const void* data, size_t size) {
  WSABUF buffer;
  buffer.buf = static_cast<char*>(const_cast<void*>(data));
  buffer.len = static_cast<ULONG>(std::min(size, kMostBytes));
  return buffer;
}

}  // namespace

int open_stream_socket(int family) {
  start_sockets();
  return prepared(WSASocketW(family, SOCK_STREAM, 0, nullptr, 0,
                             WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT));
}

int accept_stream(int listening, sockaddr* peer, socklen_t* length) {
  return prepared(::accept(socket_of(listening), peer, length));
}

bool is_lost_before_accept(int error) {
  return error == EINTR || error == ECONNRESET || error == ECONNABORTED;
}

int bind_socket(int fd, const sockaddr* address, socklen_t length) {
  return ::bind(socket_of(fd), address, length) == 0 ? 0 : fail_by_windows();
}

int listen_on(int fd, int backlog) {
  return ::listen(socket_of(fd), backlog) == 0 ? 0 : fail_by_windows();
}

int connect_socket(int fd, const sockaddr* address, socklen_t length) {
  if (::connect(socket_of(fd), address, length) == 0) return 0;
  const int error = WSAGetLastError();
  errno = error == WSAEWOULDBLOCK ? EINPROGRESS : errno_of(error);
  return -1;
}

int local_address(int fd, sockaddr* address, socklen_t* length) {
  return ::getsockname(socket_of(fd), address, length) == 0 ? 0 : fail_by_windows();
}

// Of one that is not connected yet, or has failed to, Wine has the address all the same.
int peer_address(int fd, sockaddr* address, socklen_t* length) {
  DWORD seconds = 0;
  int size = sizeof seconds;
  auto* const bytes = reinterpret_cast<char*>(&seconds);
  if (getsockopt(socket_of(fd), SOL_SOCKET, SO_CONNECT_TIME, bytes, &size) == 0 &&
      seconds == ~DWORD{0}) {
    errno = ENOTCONN;
    return -1;
  }
  return ::getpeername(socket_of(fd), address, length) == 0 ? 0 : fail_by_windows();
}

int set_option(int fd, SocketOption option, int value) {
  const auto set = [&](int level, int name) {
    const auto* bytes = reinterpret_cast<const char*>(&value);
    return setsockopt(socket_of(fd), level, name, bytes, sizeof value) == 0 ? 0 : fail_by_windows();
  };
  switch (option) {
    case SocketOption::kNoDelay:
      return set(IPPROTO_TCP, TCP_NODELAY);
    case SocketOption::kKeepAlive:
      return set(SOL_SOCKET, SO_KEEPALIVE);
    case SocketOption::kKeepAliveDelay:
      return set(IPPROTO_TCP, TCP_KEEPIDLE);
    case SocketOption::kReuseAddress:
      // Elsewhere it is about connections that are over. Here another process could take the port away.
      return 0;
    case SocketOption::kReusePort:
    case SocketOption::kLatePort:
      break;
    case SocketOption::kIpv6Only:
      return set(IPPROTO_IPV6, IPV6_V6ONLY);
  }
  errno = ENOPROTOOPT;
  return -1;
}

int connect_error_of(int fd) {
  int error = 0;
  int length = sizeof error;
  if (getsockopt(socket_of(fd), SOL_SOCKET, SO_ERROR, reinterpret_cast<char*>(&error), &length) !=
      0)
    error = WSAGetLastError();
  return error == 0 ? ENOTCONN : errno_of(error);
}

int check_socket(int fd) {
  int type = 0;
  int size = sizeof type;
  const int result =
      getsockopt(socket_of(fd), SOL_SOCKET, SO_TYPE, reinterpret_cast<char*>(&type), &size);
  return result == 0 ? 0 : fail_by_windows();
}

void end_sending(int fd) { ::shutdown(socket_of(fd), SD_SEND); }

ssize_t receive(int fd, void* buffer, size_t size) {
  WSABUF piece = buffer_of(buffer, size);
  return received(fd, &piece, 1);
}

ssize_t peek(int fd, void* buffer, size_t size) {
  WSABUF piece = buffer_of(buffer, size);
  return received(fd, &piece, 1, MSG_PEEK);
}

ssize_t receive(int fd, struct iovec* pieces, int count) {
  WSABUF buffers[kMostPieces];
  const size_t used = to_buffers(pieces, static_cast<size_t>(count), buffers);
  return received(fd, buffers, used);
}

ssize_t send(int fd, const void* data, size_t size) {
  WSABUF piece = buffer_of(data, size);
  return sent_from(fd, &piece, 1);
}

ssize_t send(int fd, const struct iovec* pieces, size_t count) {
  WSABUF buffers[kMostPieces];
  const size_t used = to_buffers(pieces, count, buffers);
  return sent_from(fd, buffers, used);
}

// ---- unique_fd.h: here every descriptor is a socket.

void close_descriptor(int fd) { ::closesocket(socket_of(fd)); }

int copy_descriptor(int fd) {
  WSAPROTOCOL_INFOW description;
  if (WSADuplicateSocketW(socket_of(fd), GetCurrentProcessId(), &description) != 0)
    return fail_by_windows();
  const SOCKET copy = WSASocketW(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO,
                                 &description, 0, WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
  return copy == INVALID_SOCKET ? fail_by_windows() : descriptor_of(copy);
}

int set_non_blocking(int fd) {
  u_long on = 1;
  return ::ioctlsocket(socket_of(fd), FIONBIO, &on) == 0 ? 0 : fail_by_windows();
}

}  // namespace vws::os

#endif
