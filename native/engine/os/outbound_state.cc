#ifndef _WIN32

#include "engine/os/outbound_state.h"

#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstddef>

// The kernel's own header: the C library's has a shorter tcp_info.
#if __has_include(<linux/tcp.h>)
#include <linux/sockios.h>
#include <linux/tcp.h>
#endif

namespace vws {

std::optional<OutboundState> outbound_state(int fd) {
#if __has_include(<linux/tcp.h>)
  tcp_info info{};
  socklen_t size = sizeof info;
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return std::nullopt;
  constexpr size_t kNeeded = offsetof(tcp_info, tcpi_bytes_acked) + sizeof info.tcpi_bytes_acked;
  if (size < kNeeded) return std::nullopt;  // before Linux 4.1
  int outstanding = 0;
  if (ioctl(fd, SIOCOUTQ, &outstanding) != 0) return std::nullopt;
  return OutboundState{info.tcpi_bytes_acked, static_cast<uint64_t>(outstanding),
                       Milliseconds(info.tcpi_last_ack_recv)};
#else
  static_cast<void>(fd);
  return std::nullopt;
#endif
}

}  // namespace vws

#endif
