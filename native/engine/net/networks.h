#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/net/address.h"

namespace vws {

// A list of addresses and networks, "192.0.2.1" or "2001:db8::/32", and of Unix sockets, "unix". An IPv4 address in
// the form of an IPv6 one (::ffff:192.0.2.1, as a socket for both has it) counts as the IPv4 address.
class Networks {
 public:
  // False if the text is none of them.
  bool add(const std::string& text);
  bool contains(const Address& address) const;
  bool empty() const { return networks_.empty() && !unix_sockets_; }

 private:
  struct Network {
    int family;
    uint8_t bytes[16];
    unsigned bits;
  };

  std::vector<Network> networks_;
  bool unix_sockets_ = false;
};

// The IPv4 address, if it is one in the form of an IPv6 address; else the same.
Address without_mapping(const Address& address);

}  // namespace vws
