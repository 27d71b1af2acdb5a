// Headers of the PROXY protocol: what is taken, what is refused, and that it is the same however the bytes arrive.

#include "engine/server/proxy_header.h"

#include <string>
#include <vector>

#include "harness.h"

namespace vws::test {

namespace {

using State = ProxyHeader::State;
using namespace std::string_literals;

ProxyHeader parse(const std::string& bytes) {
  const std::vector<uint8_t> copy(bytes.begin(), bytes.end());
  return parse_proxy_header(copy.data(), copy.size());
}

std::string show(const ProxyHeader& header) {
  switch (header.state) {
    case State::kMore:
      return "more";
    case State::kBad:
      return "bad";
    default:
      break;
  }
  if (!header.proxied) return "own " + std::to_string(header.size);
  return header.source.text() + " " + std::to_string(header.source.port()) + " " +
         header.destination.text() + " " + std::to_string(header.destination.port());
}

// Whole, with something behind it, and byte by byte: what is incomplete waits, unless it is refused already.
void check(const std::string& bytes, const std::string& expected) {
  CHECK_EQ(show(parse(bytes)), expected);
  if (expected == "more") return;
  CHECK_EQ(show(parse(bytes + "GET / HTTP/1.1\r\n")), expected);
  for (size_t size = 0; size < bytes.size(); ++size) {
    const std::string part = show(parse(bytes.substr(0, size)));
    CHECK(part == "more" || (part == "bad" && expected == "bad"));
  }
  if (expected != "bad") CHECK_EQ(parse(bytes).size, bytes.size());
}

const std::string kSignature = "\r\n\r\n\0\r\nQUIT\n"s;

std::string version_2(uint8_t command, uint8_t protocol, const std::string& body) {
  std::string bytes = kSignature;
  bytes += static_cast<char>(command);
  bytes += static_cast<char>(protocol);
  bytes += static_cast<char>(body.size() >> 8);
  bytes += static_cast<char>(body.size() & 0xff);
  return bytes + body;
}

const std::string kBody4 = "\xc0\x00\x02\x01\xcb\x00\x71\x09\x1f\x90\x01\xbb"s;
const std::string kBody6 =
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"s
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02"s
    "\x1f\x90\x01\xbb"s;

}  // namespace

TEST("version 1") {
  check("PROXY TCP4 192.0.2.1 203.0.113.9 56324 443\r\n", "192.0.2.1 56324 203.0.113.9 443");
  check("PROXY TCP4 0.0.0.0 255.255.255.255 0 65535\r\n", "0.0.0.0 0 255.255.255.255 65535");
  check("PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n", "2001:db8::1 1 2001:db8::2 2");
  const std::string longest = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
  check("PROXY TCP6 " + longest + " " + longest + " 65535 65535\r\n",
        longest + " 65535 " + longest + " 65535");
  check("PROXY UNKNOWN\r\n", "own 15");
  check("PROXY UNKNOWN " + longest + " " + longest + " 65535 65535\r\n", "own 107");
  for (const char* line : {
           "TCP4 192.0.2.1 203.0.113.9 56324",
           "TCP4 192.0.2.1 203.0.113.9 56324 443 1",
           "TCP4 192.0.2.1 203.0.113.9 56324 443 ",
           "TCP4  192.0.2.1 203.0.113.9 56324 443",
           "TCP4 192.0.2.1 203.0.113.9 56324 65536",
           "TCP4 192.0.2.1 203.0.113.9 056324 443",
           "TCP4 192.0.2.1 203.0.113.9 -1 443",
           "TCP4 192.0.2.1 203.0.113.9 +1 443",
           "TCP4 192.0.2.1 203.0.113.9 1 99999999999999999999",
           "TCP4 192.0.2.1 203.0.113.9 1 ",
           "TCP4 192.0.2.256 203.0.113.9 1 2",
           "TCP4 192.0.2.01 203.0.113.9 1 2",
           "TCP4 2001:db8::1 2001:db8::2 1 2",
           "TCP6 192.0.2.1 203.0.113.9 1 2",
           "TCP6 fe80::1%lo fe80::2%lo 1 2",
           "TCP5 192.0.2.1 203.0.113.9 1 2",
           "tcp4 192.0.2.1 203.0.113.9 1 2",
           "TCP4\t192.0.2.1 203.0.113.9 1 2",
           "UNKNOWNS",
           "",
           " ",
           "UDP4 192.0.2.1 203.0.113.9 1 2",
           "TCP4 192.0.2.1 203.0.113.9 1 2\r",
       }) {
    check("PROXY "s + line + "\r\n", "bad");
  }
  check("PROXY UNKNOWN\n", "bad");
  check("PROXY TCP4 192.0.2.1 203.0.113.9 1\0 2\r\n"s, "bad");
  check("PROXY UNKNOWN " + std::string(91, 'x') + "\r\n", "own 107");
  check("PROXY UNKNOWN " + std::string(92, 'x') + "\r\n", "bad");
  check("PROXY UNKNOWN " + std::string(92, 'x'), "more");
  check("PROXY UNKNOWN " + std::string(93, 'x'), "bad");
}

TEST("version 2") {
  check(version_2(0x21, 0x11, kBody4), "192.0.2.1 8080 203.0.113.9 443");
  check(version_2(0x21, 0x21, kBody6), "2001:db8::1 8080 2001:db8::2 443");
  check(version_2(0x20, 0x00, ""), "own 16");
  // A balancer that asks for itself may say anything about the addresses.
  check(version_2(0x20, 0x11, kBody4), "own 28");
  check(version_2(0x20, 0xff, "xyz"), "own 19");
  check(version_2(0x21, 0x00, ""), "own 16");
  check(version_2(0x21, 0x31, std::string(216, 'x')), "own 232");
  // With more behind the addresses.
  check(version_2(0x21, 0x11, kBody4 + "\x03\x00\x04\x01\x02\x03\x04"s),
        "192.0.2.1 8080 203.0.113.9 443");
  check(version_2(0x21, 0x11, kBody4 + "\x04\x00\x00\x04\x00\x00"s),
        "192.0.2.1 8080 203.0.113.9 443");
  const std::string most(kMaxProxyHeader - 16 - kBody4.size() - 3, 'x');
  const std::string size{static_cast<char>(most.size() >> 8),
                         static_cast<char>(most.size() & 0xff)};
  check(version_2(0x21, 0x11, kBody4 + "\x04" + size + most), "192.0.2.1 8080 203.0.113.9 443");

  check(version_2(0x11, 0x11, kBody4), "bad");  // the version
  check(version_2(0x22, 0x11, kBody4), "bad");  // the command
  check(version_2(0x21, 0x12, kBody4), "bad");  // UDP
  check(version_2(0x21, 0x41, kBody4), "bad");
  check(version_2(0x21, 0x01, kBody4), "bad");
  check(version_2(0x21, 0x11, kBody4.substr(1)), "bad");
  check(version_2(0x21, 0x21, kBody6.substr(1)), "bad");
  check(version_2(0x21, 0x31, std::string(215, 'x')), "bad");
  check(version_2(0x21, 0x11, kBody4 + "\x03"), "bad");
  check(version_2(0x21, 0x11, kBody4 + "\x03\x00\x05\x01\x02\x03\x04"s), "bad");
  check(version_2(0x21, 0x11, kBody4 + "\x03\x00\x03\x01\x02\x03\x04"s), "bad");
  // Refused before it comes: it would be too long.
  check(version_2(0x21, 0x00, std::string(kMaxProxyHeader - 15, 'x')).substr(0, 16), "bad");
}

TEST("what is no header") {
  for (const std::string& bytes :
       {"G"s, "GET / HTTP/1.1\r\n"s, "\x16\x03\x01"s, "proxy TCP4 "s, "PROXI"s, "PROXY\t"s,
        "\r\nG"s, "\r\n\r\n\0\r\nQUIT\r"s, "\0"s}) {
    check(bytes, "bad");
  }
}

}  // namespace vws::test

TEST_MAIN
