#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/os/address_types.h"

namespace vws {

// A socket address of any family the system knows; IPv4, IPv6 and Unix ones can be read and shown.
class Address {
 public:
  Address() = default;
  Address(const sockaddr* address, socklen_t length);

  // "127.0.0.1", "::1", "fe80::1%eth0" or "fe80::1%2", without brackets. Nothing if it is not
  // numeric in the strict notation of inet_pton(3), or names an interface that does not exist.
  static std::optional<Address> from_numeric(const std::string& text, uint16_t port);
  // A path, or an abstract name, which begins with "@" or NUL (a file called "@x" is "./@x").
  // Nothing if it is empty or too long for the system.
  static std::optional<Address> from_unix_path(const std::string& path);
  // A Unix socket without a name, as its clients are.
  static Address unix_client();
  // The ends of a socket. An empty address if the socket has none.
  static Address local_of(int fd);
  static Address peer_of(int fd);

  bool empty() const { return length_ == 0; }
  int family() const { return length_ == 0 ? AF_UNSPEC : storage_.ss_family; }
  bool is_ip() const { return family() == AF_INET || family() == AF_INET6; }
  // 4, 6, or 0 for what is neither.
  int ip_version() const;
  // The numeric address without its port, or the Unix path (abstract ones with a leading "@").
  std::string text() const;
  uint16_t port() const;
  void set_port(uint16_t port);
  // What error messages show: "127.0.0.1:80", "::1:80", "/run/a.sock".
  std::string text_with_port() const;

  const sockaddr* data() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t size() const { return length_; }

  bool operator==(const Address& other) const;
  bool operator!=(const Address& other) const { return !(*this == other); }

 private:
  sockaddr_storage storage_{};
  socklen_t length_ = 0;
};

// Alternates the IP versions, beginning with that of the first address and keeping the order inside
// each (RFC 8305 §4).
std::vector<Address> interleave_families(const std::vector<Address>& addresses);

}  // namespace vws
