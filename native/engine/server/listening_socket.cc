#include "engine/server/listening_socket.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "engine/net/address.h"

namespace vws {

namespace {

UniqueFd failed(ListenError* error, int number, const char* syscall = "listen") {
  error->number = number;
  error->syscall = syscall;
  return UniqueFd();
}

UniqueFd copy_of(int fd, ListenError* error) {
  UniqueFd copy(fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!copy) return failed(error, errno, "dup");
  int listening = 0;
  socklen_t size = sizeof listening;
  if (getsockopt(copy.get(), SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0) {
    return failed(error, errno);
  }
  const int flags = fcntl(copy.get(), F_GETFL);
  if (flags < 0 || fcntl(copy.get(), F_SETFL, flags | O_NONBLOCK) < 0) return failed(error, errno);
  return copy;
}

bool set_option(int fd, int level, int option) {
  const int on = 1;
  return setsockopt(fd, level, option, &on, sizeof on) == 0;
}

UniqueFd bind_to(const Address& address, const ListenAddress& wanted, bool ipv6_only,
                 ListenError* error) {
  UniqueFd fd(socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return failed(error, errno);
  if (address.is_ip() && !set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR)) {
    return failed(error, errno);
  }
  if (wanted.reuse_port && !set_option(fd.get(), SOL_SOCKET, SO_REUSEPORT)) {
    return failed(error, errno);
  }
  if (ipv6_only && !set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY)) return failed(error, errno);
  if (bind(fd.get(), address.data(), address.size()) != 0) return failed(error, errno);
  return fd;
}

}  // namespace

UniqueFd open_listening_socket(const ListenAddress& wanted, ListenError* error) {
  UniqueFd fd;
  if (wanted.fd >= 0) {
    fd = copy_of(wanted.fd, error);
  } else if (!wanted.path.empty()) {
    const auto address = Address::from_unix_path(wanted.path);
    if (!address) return failed(error, EINVAL);
    fd = bind_to(*address, wanted, false, error);
  } else if (!wanted.host.empty()) {
    const auto address = Address::from_numeric(wanted.host, wanted.port);
    if (!address) return failed(error, EINVAL);
    const bool only = wanted.ipv6_only && address->family() == AF_INET6;
    fd = bind_to(*address, wanted, only, error);
  } else {
    // As Node: both versions where there is IPv6, else IPv4.
    fd = bind_to(*Address::from_numeric("::", wanted.port), wanted, wanted.ipv6_only, error);
    const bool none = error->number == EAFNOSUPPORT || error->number == EADDRNOTAVAIL;
    if (!fd && none && !wanted.ipv6_only) {
      *error = ListenError();
      fd = bind_to(*Address::from_numeric("0.0.0.0", wanted.port), wanted, false, error);
    }
  }
  if (fd && listen(fd.get(), wanted.backlog) != 0) return failed(error, errno);
  return fd;
}

}  // namespace vws
