#include "engine/net/networks.h"

#include <algorithm>
#include <cstring>

namespace vws {

namespace {

constexpr unsigned kIpv4Bits = 32;
constexpr unsigned kIpv6Bits = 128;

// Of an IP address, in the order of the network. Returns how many bits they are.
unsigned bytes_of(const Address& address, uint8_t* bytes) {
  if (address.family() == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(address.data());
    std::memcpy(bytes, &v4->sin_addr, sizeof v4->sin_addr);
    return kIpv4Bits;
  }
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address.data());
  std::memcpy(bytes, &v6->sin6_addr, sizeof v6->sin6_addr);
  return kIpv6Bits;
}

bool begin_alike(const uint8_t* a, const uint8_t* b, unsigned bits) {
  const unsigned whole = bits / 8;
  if (std::memcmp(a, b, whole) != 0) return false;
  const unsigned rest = bits % 8;
  if (rest == 0) return true;
  const auto mask = static_cast<uint8_t>(0xff << (8 - rest));
  return ((a[whole] ^ b[whole]) & mask) == 0;
}

// A decimal number without leading zeros, at most `most`. False if it is none.
bool read_bits(const std::string& text, unsigned most, unsigned* bits) {
  if (text.empty() || text.size() > 3 || (text.size() > 1 && text[0] == '0')) return false;
  unsigned value = 0;
  for (const char digit : text) {
    if (digit < '0' || digit > '9') return false;
    value = value * 10 + static_cast<unsigned>(digit - '0');
  }
  *bits = value;
  return value <= most;
}

}  // namespace

bool Networks::add(const std::string& text) {
  if (text == "unix") {
    unix_sockets_ = true;
    return true;
  }
  const size_t slash = text.find('/');
  const std::string name = text.substr(0, slash);
  if (name.find('%') != std::string::npos) return false;
  const auto address = Address::from_numeric(name, 0);
  if (!address) return false;
  Network network{};
  network.family = address->family();
  network.bits = bytes_of(*address, network.bytes);
  if (slash != std::string::npos && !read_bits(text.substr(slash + 1), network.bits, &network.bits))
    return false;
  constexpr unsigned kMapping = kIpv6Bits - kIpv4Bits;
  const Address plain = without_mapping(*address);
  if (plain.family() != network.family && network.bits >= kMapping) {
    network.family = plain.family();
    network.bits -= kMapping;
    bytes_of(plain, network.bytes);
  }
  networks_.push_back(network);
  return true;
}

bool Networks::contains(const Address& address) const {
  if (!address.is_ip()) return unix_sockets_ && address.family() == AF_UNIX;
  const Address plain = without_mapping(address);
  uint8_t bytes[16];
  bytes_of(plain, bytes);
  return std::any_of(networks_.begin(), networks_.end(), [&](const Network& network) {
    return network.family == plain.family() && begin_alike(network.bytes, bytes, network.bits);
  });
}

Address without_mapping(const Address& address) {
  if (address.family() != AF_INET6) return address;
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address.data());
  if (!IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) return address;
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = v6->sin6_port;
  std::memcpy(&v4.sin_addr, v6->sin6_addr.s6_addr + 12, sizeof v4.sin_addr);
  return Address(reinterpret_cast<const sockaddr*>(&v4), sizeof v4);
}

}  // namespace vws
