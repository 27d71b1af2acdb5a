#ifdef _WIN32

#include "engine/os/windows.h"

namespace vws::os {

int errno_of(int windows_error) {
  switch (windows_error) {
    case WSAEWOULDBLOCK:
      return EAGAIN;
    case WSAEACCES:
    case ERROR_ACCESS_DENIED:
      return EACCES;
    case WSAEADDRINUSE:
      return EADDRINUSE;
    case WSAEADDRNOTAVAIL:
      return EADDRNOTAVAIL;
    case WSAEAFNOSUPPORT:
    case WSAEPFNOSUPPORT:
      return EAFNOSUPPORT;
    case WSAEALREADY:
      return EALREADY;
    case WSAEBADF:
    case ERROR_INVALID_HANDLE:
      return EBADF;
    case WSAECONNABORTED:
    case ERROR_CONNECTION_ABORTED:
      return ECONNABORTED;
    case WSAECONNREFUSED:
    case ERROR_CONNECTION_REFUSED:
      return ECONNREFUSED;
    case WSAECONNRESET:
    case WSAENETRESET:
    case WSAEDISCON:
    case ERROR_NETNAME_DELETED:
      return ECONNRESET;
    case WSAEFAULT:
      return EFAULT;
    case WSAEHOSTDOWN:
    case WSAEHOSTUNREACH:
    case ERROR_HOST_UNREACHABLE:
      return EHOSTUNREACH;
    case WSAEINPROGRESS:
      return EINPROGRESS;
    case WSAEINTR:
      return EINTR;
    case WSAEISCONN:
      return EISCONN;
    case WSAEMFILE:
    case ERROR_TOO_MANY_OPEN_FILES:
      return EMFILE;
    case WSAEMSGSIZE:
      return EMSGSIZE;
    case WSAENETDOWN:
      return ENETDOWN;
    case WSAENETUNREACH:
    case ERROR_NETWORK_UNREACHABLE:
      return ENETUNREACH;
    case WSAENOBUFS:
    case ERROR_NO_SYSTEM_RESOURCES:
      return ENOBUFS;
    case ERROR_NOT_ENOUGH_MEMORY:
    case ERROR_OUTOFMEMORY:
      return ENOMEM;
    case WSAENOPROTOOPT:
      return ENOPROTOOPT;
    case WSAENOTCONN:
      return ENOTCONN;
    case WSAENOTSOCK:
      return ENOTSOCK;
    case WSAEOPNOTSUPP:
      return EOPNOTSUPP;
    case WSAEPROTONOSUPPORT:
    case WSAESOCKTNOSUPPORT:
      return EPROTONOSUPPORT;
    case WSAEPROTOTYPE:
      return EPROTOTYPE;
    case WSAESHUTDOWN:
      return EPIPE;
    case WSAETIMEDOUT:
    case ERROR_SEM_TIMEOUT:
      return ETIMEDOUT;
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND:
      return ENOENT;
    default:
      return EINVAL;
  }
}

int fail_by_windows() {
  errno = errno_of(WSAGetLastError());
  return -1;
}

void start_sockets() {
  static const bool started = [] {
    WSADATA data;
    return WSAStartup(MAKEWORD(2, 2), &data) == 0;
  }();
  static_cast<void>(started);
}

}  // namespace vws::os

#endif
