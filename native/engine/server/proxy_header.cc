#include "engine/server/proxy_header.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>

namespace vws {

namespace {

constexpr char kSignature1[] = "PROXY ";
constexpr size_t kSignature1Size = sizeof kSignature1 - 1;
constexpr size_t kMaxSize1 = 107;  // with CRLF

constexpr uint8_t kSignature2[] = {0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
                                   0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};
constexpr size_t kSize2 = 16;  // of what every header of version 2 begins with

ProxyHeader bad(const char* problem) {
  ProxyHeader header;
  header.state = ProxyHeader::State::kBad;
  header.problem = problem;
  return header;
}

bool begins_with(const uint8_t* data, size_t size, const void* signature, size_t length) {
  return std::memcmp(data, signature, std::min(size, length)) == 0;
}

// ---- Version 1: "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n"

// The next word of a line; words are separated by one space.
std::string take_word(std::string& line) {
  const size_t space = line.find(' ');
  std::string word = line.substr(0, space);
  // A space at the end leaves an empty word, which is none.
  line = space == std::string::npos ? std::string() : line.substr(space + 1);
  return word;
}

std::optional<uint16_t> port_of(const std::string& text) {
  if (text.empty() || text.size() > 5 || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  uint32_t port = 0;
  for (const char digit : text) {
    if (digit < '0' || digit > '9') return std::nullopt;
    port = port * 10 + static_cast<uint32_t>(digit - '0');
  }
  if (port > 65535) return std::nullopt;
  return static_cast<uint16_t>(port);
}

std::optional<Address> ip_of(const std::string& text, int family) {
  if (text.find('%') != std::string::npos) return std::nullopt;
  auto address = Address::from_numeric(text, 0);
  if (!address || address->family() != family) return std::nullopt;
  return address;
}

ProxyHeader parse_line(std::string line, size_t size) {
  ProxyHeader header;
  header.state = ProxyHeader::State::kDone;
  header.size = size;
  const std::string protocol = take_word(line);
  if (protocol == "UNKNOWN") return header;
  if (protocol != "TCP4" && protocol != "TCP6") return bad("the protocol is unknown");
  if (std::count(line.begin(), line.end(), ' ') != 3) return bad("the line is malformed");
  const int family = protocol == "TCP4" ? AF_INET : AF_INET6;
  auto source = ip_of(take_word(line), family);
  auto destination = ip_of(take_word(line), family);
  if (!source || !destination) return bad("an address is malformed");
  const auto source_port = port_of(take_word(line));
  const auto destination_port = port_of(take_word(line));
  if (!source_port || !destination_port) return bad("a port is malformed");
  source->set_port(*source_port);
  destination->set_port(*destination_port);
  header.proxied = true;
  header.source = *source;
  header.destination = *destination;
  return header;
}

ProxyHeader parse_version_1(const uint8_t* data, size_t size) {
  const uint8_t* const end = std::find(data, data + std::min(size, kMaxSize1), '\n');
  const auto length = static_cast<size_t>(end - data);
  if (length == std::min(size, kMaxSize1)) {
    return size < kMaxSize1 ? ProxyHeader() : bad("the line is too long");
  }
  if (data[length - 1] != '\r') return bad("the line ends without CR");
  std::string line(reinterpret_cast<const char*>(data) + kSignature1Size,
                   length - 1 - kSignature1Size);
  if (line.find('\r') != std::string::npos) return bad("the line is malformed");
  return parse_line(std::move(line), length + 1);
}

// ---- Version 2: binary

uint16_t read16(const uint8_t* data) { return static_cast<uint16_t>(data[0] << 8 | data[1]); }

Address ipv4_of(const uint8_t* address, const uint8_t* port) {
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  std::memcpy(&v4.sin_addr, address, sizeof v4.sin_addr);
  v4.sin_port = htons(read16(port));
  return Address(reinterpret_cast<const sockaddr*>(&v4), sizeof v4);
}

Address ipv6_of(const uint8_t* address, const uint8_t* port) {
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  std::memcpy(&v6.sin6_addr, address, sizeof v6.sin6_addr);
  v6.sin6_port = htons(read16(port));
  return Address(reinterpret_cast<const sockaddr*>(&v6), sizeof v6);
}

// What follows the addresses is a list of type, length and value.
bool is_tlv_list(const uint8_t* data, size_t size) {
  constexpr size_t kHead = 3;
  while (size > 0) {
    if (size < kHead) return false;
    const size_t whole = kHead + read16(data + 1);
    if (whole > size) return false;
    data += whole;
    size -= whole;
  }
  return true;
}

constexpr size_t kAddresses4 = 12;
constexpr size_t kAddresses6 = 36;
constexpr size_t kAddressesUnix = 216;

ProxyHeader parse_version_2(const uint8_t* data, size_t size) {
  // What can be told before the header is complete is told then: nothing else is coming.
  if (size > 12 && data[12] != 0x20 && data[12] != 0x21) return bad("the version is unknown");
  if (size < kSize2) return {};
  const size_t rest = read16(data + 14);
  if (kSize2 + rest > kMaxProxyHeader) return bad("the header is too long");
  if (size < kSize2 + rest) return {};
  ProxyHeader header;
  header.state = ProxyHeader::State::kDone;
  header.size = kSize2 + rest;
  // The balancer asks on its own behalf: whether the server lives.
  if (data[12] == 0x20) return header;
  const uint8_t* const body = data + kSize2;
  size_t addresses = 0;
  switch (data[13]) {
    case 0x00:  // not known
      return header;
    case 0x11:  // TCP over IPv4
      addresses = kAddresses4;
      break;
    case 0x21:  // TCP over IPv6
      addresses = kAddresses6;
      break;
    case 0x31:  // a Unix socket
      addresses = kAddressesUnix;
      break;
    default:
      return bad("the protocol is unknown");
  }
  if (rest < addresses) return bad("the header is too short");
  if (!is_tlv_list(body + addresses, rest - addresses)) return bad("the header is malformed");
  if (addresses == kAddresses4) {
    header.source = ipv4_of(body, body + 8);
    header.destination = ipv4_of(body + 4, body + 10);
  } else if (addresses == kAddresses6) {
    header.source = ipv6_of(body, body + 32);
    header.destination = ipv6_of(body + 16, body + 34);
  }
  header.proxied = header.source.is_ip();
  return header;
}

}  // namespace

ProxyHeader parse_proxy_header(const uint8_t* data, size_t size) {
  if (size == 0) return {};
  if (begins_with(data, size, kSignature1, kSignature1Size)) {
    return size <= kSignature1Size ? ProxyHeader() : parse_version_1(data, size);
  }
  if (begins_with(data, size, kSignature2, sizeof kSignature2)) {
    return size <= sizeof kSignature2 ? ProxyHeader() : parse_version_2(data, size);
  }
  return bad("there is none");
}

}  // namespace vws
