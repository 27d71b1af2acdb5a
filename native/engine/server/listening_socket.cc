#include "engine/server/listening_socket.h"

#include <cerrno>

#include "engine/net/address.h"
#include "engine/os/socket.h"

namespace vws {

namespace {

UniqueFd failed(ListenError* error, int number, const char* syscall = "listen") {
  error->number = number;
  error->syscall = syscall;
  return UniqueFd();
}

UniqueFd copy_of(int fd, ListenError* error) {
  UniqueFd copy(os::copy_descriptor(fd));
  if (!copy) return failed(error, errno, "dup");
  if (os::check_socket(copy.get()) != 0) return failed(error, errno);
  if (os::set_non_blocking(copy.get()) != 0) return failed(error, errno);
  return copy;
}

UniqueFd bind_to(const Address& address, const ListenAddress& wanted, bool ipv6_only,
                 ListenError* error) {
  UniqueFd fd(os::open_stream_socket(address.family()));
  if (!fd) return failed(error, errno);
  const auto set = [&fd](os::SocketOption option, bool on = true) {
    return os::set_option(fd.get(), option, on ? 1 : 0) == 0;
  };
  if (address.is_ip() && !set(os::SocketOption::kReuseAddress)) {
    return failed(error, errno);
  }
  if (wanted.reuse_port && !set(os::SocketOption::kReusePort)) {
    return failed(error, errno);
  }
  // Said in any case: what holds else differs by system (Windows: only IPv6), and on Linux by a setting.
  if (address.family() == AF_INET6 && !set(os::SocketOption::kIpv6Only, ipv6_only)) {
    return failed(error, errno);
  }
  if (os::bind_socket(fd.get(), address.data(), address.size()) != 0) return failed(error, errno);
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
  if (fd && os::listen_on(fd.get(), wanted.backlog) != 0) return failed(error, errno);
  return fd;
}

}  // namespace vws
